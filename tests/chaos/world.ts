import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { openDatabase, type Database } from '../../cli/database.ts'
import { readConfig } from '../../config/config.ts'
import { settings } from '../../config/settings.ts'
import type { Random } from '../../connectors/demo/random.ts'
import { connectionOf } from '../../sink/postgres/pool.ts'
import { embeddedPostgres, stopEmbeddedPostgres } from '../../sink/postgres/embedded-postgres.ts'
import { livePostmaster } from '../../sink/postgres/server-process.ts'
import { serverFolder } from '../../sink/postgres/server-folder.ts'
import type { Log } from '../../topology/log/log.ts'
import { postgresLog } from '../../topology/log/postgres-log.ts'
import { engine, type Engine } from './engines.ts'
import { logWitness, type Witness } from './witness.ts'
import { smallDisk, type SmallDisk } from './small-disk.ts'

/** Everything that a run consists of, and what faults may touch. */
export type World = {
  readonly folder: string
  /** Environment of every process of the run. */
  readonly settings: Readonly<Record<string, string>>
  readonly url: string
  readonly log: Log
  readonly engines: readonly Engine[]
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

export async function openWorld(options: WorldOptions): Promise<World> {
  const folder = await mkdtemp(join(options.parent ?? tmpdir(), 'saldo-chaos-'))
  // The server may run as another user, who must be able to pass.
  await chmod(folder, 0o711)
  const { databaseUrl } = options
  const data = join(folder, 'data')
  await mkdir(data, { mode: 0o711 })
  const disk = databaseUrl === undefined ? await smallDisk(data) : undefined
  const given = {
    ...PACE,
    [settings.dataDir.name]: data,
    ...(databaseUrl === undefined ? {} : { [settings.databaseUrl.name]: databaseUrl }),
  }
  const config = readConfig(given)
  const problems: string[] = []
  const database = await openDatabase(config)
  const { url } = database
  const log = await postgresLog({ url, partitions: config.partitions, role: 'chaos' })
  const engines = Array.from({ length: options.engines }, (_, index) =>
    engine({
      name: `engine-${index + 1}`,
      folder,
      settings: given,
      onGaveUp: (sentence) => void problems.push(sentence),
    }),
  )
  return {
    folder,
    settings: given,
    url,
    log,
    engines,
    random: options.random,
    stop: options.stop,
    isShort: options.isShort,
    disk,
    server: databaseUrl === undefined ? serverOf(data, database) : undefined,
    problems,
    setAside: new Map(),
    witness: () => Promise.resolve(logWitness(log)),
    query: (sql) => queryOnce(url, sql),
    async close({ keep }) {
      await Promise.all(engines.map((one) => one.drain()))
      await log.close()
      await database.release()
      if (databaseUrl === undefined) await stopEmbeddedPostgres(data)
      if (keep) return
      await disk?.remove()
      await rm(folder, { recursive: true, force: true })
    },
  }
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
