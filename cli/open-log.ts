/** Which log there is, and how it is opened: the only place that knows its adapters. */
import type { Config } from '../config/config.ts'
import type { openPool } from '../sink/postgres/pool.ts'
import { kafkaLog } from '../topology/log/kafka-log.ts'
import type { Log } from '../topology/log/log.ts'
import { postgresLog } from '../topology/log/postgres-log.ts'
import { postgresRetention } from '../topology/log/postgres-retention.ts'
import type { Retention } from '../topology/log/retention.ts'

/** Where the log is, as plain data: it crosses to the threads of roles. */
export type LogSource = {
  /** Of the tables and checkpoints, and of the log where it is embedded. */
  readonly databaseUrl: string
  readonly partitions: number
  /** Without it the log is in the database. */
  readonly kafka: KafkaSource | undefined
}

export type KafkaSource = { readonly brokers: readonly string[]; readonly prefix: string }

export function logSourceOf(config: Config, databaseUrl: string): LogSource {
  const { partitions, kafkaBrokers: brokers, kafkaPrefix: prefix } = config
  return { databaseUrl, partitions, kafka: brokers.length === 0 ? undefined : { brokers, prefix } }
}

export type OpenLogOptions = {
  /** For the names of connections. */
  readonly role: string
  /** Of the database: shared with whoever opens the log, and not ended with it. */
  readonly pool?: ReturnType<typeof openPool>
}

/** Opens the log and creates its topics on first use. */
export async function openLog(
  { databaseUrl: url, partitions, kafka }: LogSource,
  options: OpenLogOptions,
): Promise<Log> {
  if (kafka === undefined) return postgresLog({ url, partitions, ...options })
  return kafkaLog({ ...kafka, partitions, role: options.role })
}

/** What removes records that nobody needs any more. */
export function openRetention(
  { databaseUrl: url, kafka }: LogSource,
  { role, pool }: OpenLogOptions,
): Retention {
  if (kafka === undefined) return postgresRetention(url, role, pool)
  // Topics have their own: nothing is removed by us yet.
  return {
    sweep: () => Promise.resolve([]),
    unreadMs: () => Promise.resolve(new Map()),
    close: () => Promise.resolve(),
  }
}
