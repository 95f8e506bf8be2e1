/** Which log there is, and how it is opened: the only place that knows its adapters. */
import type { Config } from '../config/config.ts'
import { knownLogs, type KnownLogs } from '../sink/known-logs.ts'
import { openPool } from '../sink/postgres/pool.ts'
import { kafkaLog } from '../topology/log/kafka-log.ts'
import type { KafkaSecurity } from '../topology/log/kafka-security.ts'
import type { Log } from '../topology/log/log.ts'
import { postgresLog } from '../topology/log/postgres-log.ts'
import { postgresRetention } from '../topology/log/postgres-retention.ts'
import type { Retention } from '../topology/log/retention.ts'
import { refuseOtherLog, refuseOwnRecords } from './refuse-other-log.ts'

/** Where the log is, as plain data: it crosses to the threads of roles. */
export type LogSource = {
  /** Of the tables and checkpoints, and of the log where it is embedded. */
  readonly databaseUrl: string
  readonly partitions: number
  /** Without it the log is in the database. */
  readonly kafka: KafkaSource | undefined
}

export type KafkaSource = {
  readonly brokers: readonly string[]
  readonly prefix: string
  readonly security?: KafkaSecurity
}

export function logSourceOf(config: Config, databaseUrl: string): LogSource {
  const { partitions, kafkaBrokers: brokers, kafkaPrefix: prefix, kafkaSecurity: security } = config
  const kafka = brokers.length === 0 ? undefined : { brokers, prefix, security }
  return { databaseUrl, partitions, kafka }
}

export type OpenLogOptions = {
  /** For the names of connections. */
  readonly role: string
  /** Of the database: shared with whoever opens the log, and not ended with it. */
  readonly pool?: ReturnType<typeof openPool>
}

/** Opens the log and creates its topics on first use. Refuses one that the database was not made from. */
export async function openLog(source: LogSource, options: OpenLogOptions): Promise<Log> {
  const { databaseUrl: url, partitions, kafka } = source
  const known = await knownTo(source, options)
  if (kafka !== undefined) refuseOwnRecords(known)
  const log =
    kafka === undefined
      ? await postgresLog({ url, partitions, ...options })
      : await kafkaLog({ ...kafka, partitions, role: options.role })
  try {
    refuseOtherLog(known, { identity: log.identity, isOnKafka: kafka !== undefined })
    return log
  } catch (error) {
    await log.close()
    throw error
  }
}

async function knownTo(
  { databaseUrl: url }: LogSource,
  options: OpenLogOptions,
): Promise<KnownLogs> {
  const pool = options.pool ?? openPool(url, { role: options.role, max: 1 })
  try {
    return await knownLogs(pool)
  } finally {
    if (options.pool === undefined) await pool.end()
  }
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
