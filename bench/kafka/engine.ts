/** Saldo's roles as processes of their own, on the bench's broker and a fresh PostgreSQL. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { kafkaLog, type KafkaLog } from '../../topology/log/kafka-log.ts'
import { freshTables, type BenchTables } from '../database.ts'
import { childOf, type Child } from './java.ts'

const MAIN = join(import.meta.dirname, '..', '..', 'cli', 'main.ts')

export type World = {
  readonly broker: string
  readonly prefix: string
  readonly partitions: number
  readonly tables: BenchTables
  readonly log: KafkaLog
  topic(name: 'ledger.commands' | 'ledger.events' | 'ledger.outcomes'): string
  close(): Promise<void>
}

/** Topics with a prefix of their own, and a database that knows nothing. */
export async function freshWorld(
  broker: string,
  prefix: string,
  partitions: number,
): Promise<World> {
  const tables = await freshTables()
  const log = await kafkaLog({ brokers: [broker], prefix, partitions, role: 'bench' })
  return {
    broker,
    prefix,
    partitions,
    tables,
    log,
    topic: (name) => `${prefix}${name}`,
    async close() {
      await log.close()
      await tables.close()
    },
  }
}

/** Settings over the defaults, by their names in the environment. */
export type RoleSettings = Readonly<Record<string, string>>

export function startActors(world: World, settings: RoleSettings = {}): Promise<Child> {
  return startRole(world, 'actors', settings)
}

export function startTables(world: World): Promise<Child> {
  return startRole(world, 'tables', {})
}

/** `saldo run`, at the defaults of everything but where things are. */
async function startRole(
  { broker, prefix, partitions, tables }: World,
  role: 'actors' | 'tables',
  settings: RoleSettings,
): Promise<Child> {
  const child = childOf(
    spawn(process.execPath, [MAIN, 'run', role], {
      env: {
        DATABASE_URL: tables.url,
        SALDO_DATA_DIR: tables.config.dataDir,
        KAFKA_BROKERS: broker,
        SALDO_KAFKA_PREFIX: prefix,
        SALDO_PARTITIONS: `${partitions}`,
        SALDO_PORT: '0',
        ...settings,
      },
    }),
  )
  await child.line((line) => line.startsWith(`${role} is up`))
  return child
}
