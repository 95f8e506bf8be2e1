import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { openDatabase, type Database } from '../../cli/database.ts'
import { readConfig } from '../../config/config.ts'
import { settings } from '../../config/settings.ts'
import { schemaIdsOf } from '../../cli/schema-ids.ts'
import type { Random } from '../../connectors/demo/random.ts'
import { idTranslation, type SchemaIds } from '../../schemas/schema-ids.ts'
import { connectionOf } from '../../sink/postgres/pool.ts'
import { embeddedPostgres, stopEmbeddedPostgres } from '../../sink/postgres/embedded-postgres.ts'
import { livePostmaster } from '../../sink/postgres/server-process.ts'
import { serverFolder } from '../../sink/postgres/server-folder.ts'
import type { Log } from '../../topology/log/log.ts'
import { kafkaLog } from '../../topology/log/kafka-log.ts'
import { postgresLog } from '../../topology/log/postgres-log.ts'
import { withSchemaIds } from '../../topology/log/with-schema-ids.ts'
import { engine, type Engine } from './engines.ts'
import { javaWitness } from './java-witness.ts'
import { openKafka, type Brokers, type KafkaWorld } from './kafka-world.ts'
import { openRegistry, type ChaosRegistry } from './registry.ts'
import { logWitness, type Witness } from './witness.ts'
import { smallDisk, type SmallDisk } from './small-disk.ts'

/** Everything that a run consists of, and what faults may touch. */
export type World = {
  readonly folder: string
  /** Environment of every process of the run. */
  readonly settings: Readonly<Record<string, string>>
  readonly url: string
  readonly log: Log
  /** What faults strike. */
  readonly engines: readonly Engine[]
  /** Where the log is on Kafka. */
  readonly kafka: KafkaWorld | undefined
  /** Where records on Kafka carry the ids of one. */
  readonly registry: ChaosRegistry | undefined
  readonly random: Random
  /** For a run that people wait for: no fault takes longer than it must. */
  readonly isShort: boolean
  /** Undefined where the machine does not let us mount one. */
  readonly disk: SmallDisk | undefined
  /** Undefined where the database is not ours to kill. */
  readonly server: Server | undefined
  /** Fires when somebody ends the run. */
  readonly stop: AbortSignal
  /** What must not have happened, in sentences. */
  readonly problems: string[]
  /** Hashes of the records that were sent and nobody can read, with how many dead letters of each are due. */
  readonly setAside: Map<string, number>
  /** Who tells the judge what the log holds, as it is then. */
  witness(): Promise<Witness>
  /** Starts every process, and ends them so that what they began is finished. */
  start(): Promise<void>
  drain(): Promise<void>
  /** Resolves when every process has said that it is up. */
  up(): Promise<void>
  /** One statement, on a connection of its own. */
  query(sql: string): Promise<readonly Record<string, unknown>[]>
  /** Ends every process; with `keep` the data stay. */
  close(options: { readonly keep: boolean }): Promise<void>
}

export type Server = {
  /** Pid of the postmaster, where one lives. */
  pid(): Promise<number | undefined>
  /** Starts it on the same port where it does not run. */
  ensure(): Promise<void>
}

export type WorldOptions = {
  readonly engines: number
  readonly random: Random
  readonly isShort: boolean
  readonly stop: AbortSignal
  /** These hold the log, and each engine has the role of the actors alone; without it PostgreSQL does. */
  readonly brokers?: Brokers
  /** The engines on Kafka have a schema registry too. */
  readonly hasRegistry?: boolean
  /** A database to use instead of an embedded one; it must be empty. */
  readonly databaseUrl: string | undefined
  /** Where the folder of the run is made. */
  readonly parent?: string
}

/** Small batches and frequent checkpoints: more places to be killed at. */
const PACE = {
  [settings.batchRecords.name]: '250',
  [settings.checkpointMs.name]: '250',
  [settings.logLevel.name]: 'warn',
}
const UP = { verb: ['up', '--no-demo'], sign: 'Saldo is up' }
const roleOf = (role: string) => ({ verb: ['run', role], sign: `${role} is up` })

export async function openWorld(options: WorldOptions): Promise<World> {
  const folder = await mkdtemp(join(options.parent ?? tmpdir(), 'saldo-chaos-'))
  // The server may run as another user, who must be able to pass.
  await chmod(folder, 0o711)
  const { databaseUrl } = options
  const data = join(folder, 'data')
  await mkdir(data, { mode: 0o711 })
  const disk = databaseUrl === undefined ? await smallDisk(data) : undefined
  const kafka = options.brokers === undefined ? undefined : await openKafka(folder, options.brokers)
  const registry =
    options.hasRegistry === true ? await openRegistry(join(folder, 'registry')) : undefined
  const given = {
    ...PACE,
    [settings.dataDir.name]: data,
    ...(databaseUrl === undefined ? {} : { [settings.databaseUrl.name]: databaseUrl }),
    ...kafka?.settings,
    ...(registry === undefined ? {} : { [settings.schemaRegistryUrl.name]: registry.url }),
  }
  const config = readConfig(given)
  const problems: string[] = []
  const database = await openDatabase(config)
  const { url } = database
  const { partitions } = config
  const ids = await schemaIdsOf(config, url, () => undefined)
  const log =
    kafka === undefined
      ? await postgresLog({ url, partitions, role: 'chaos' })
      : await logOn(kafka, partitions, ids)
  const engineOf = (name: string, what: typeof UP): Engine =>
    engine({
      name,
      folder,
      // Of roles that run apart each serves its own health.
      settings: kafka === undefined ? given : { ...given, [settings.port.name]: '0' },
      ...what,
      onGaveUp: (sentence) => void problems.push(sentence),
    })
  const engines = Array.from({ length: options.engines }, (_, index) =>
    engineOf(`engine-${index + 1}`, kafka === undefined ? UP : roleOf('actors')),
  )
  const others = kafka === undefined ? [] : [engineOf('tables', roleOf('tables'))]
  const all = [...engines, ...others]
  return {
    folder,
    settings: given,
    url,
    log,
    engines,
    kafka,
    registry,
    random: options.random,
    stop: options.stop,
    isShort: options.isShort,
    disk,
    server: databaseUrl === undefined ? serverOf(data, database) : undefined,
    problems,
    setAside: new Map(),
    witness: async () =>
      kafka === undefined
        ? logWitness(log)
        : await javaWitness(
            kafka.addresses,
            kafka.prefix,
            ids === undefined ? undefined : idTranslation(ids).inward,
          ),
    query: (sql) => queryOnce(url, sql),
    async start() {
      await Promise.all(all.map((one) => one.start()))
    },
    async drain() {
      await Promise.all(all.map((one) => one.drain()))
    },
    async up() {
      await Promise.all(all.map((one) => one.up()))
    },
    async close({ keep }) {
      await Promise.all(all.map((one) => one.drain()))
      await log.close()
      await registry?.close()
      await kafka?.close({ keep })
      await database.release()
      if (databaseUrl === undefined) await stopEmbeddedPostgres(data)
      if (keep) return
      await disk?.remove()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Past the proxy: whoever watches is not to be disturbed. */
async function logOn(
  { addresses: brokers, prefix }: KafkaWorld,
  partitions: number,
  ids: SchemaIds | undefined,
): Promise<Log> {
  const log = await kafkaLog({ brokers, partitions, role: 'chaos', prefix })
  return ids === undefined ? log : withSchemaIds(log, ids)
}

async function queryOnce(url: string, sql: string): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client(connectionOf(url, 'chaos-query'))
  client.on('error', () => undefined)
  try {
    await client.connect()
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end().catch(() => undefined)
  }
}

function serverOf(data: string, database: Database): Server {
  return {
    pid: async () => (await livePostmaster(await serverFolder(data)))?.pid,
    async ensure() {
      // Never released: the holder of `database` comes back later, and the last one out would stop the server.
      const { url } = await embeddedPostgres({ dataDir: data })
      if (url !== database.url) throw new Error('PostgreSQL came back at another address')
    },
  }
}
