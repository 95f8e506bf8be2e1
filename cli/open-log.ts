/** Which log there is, and how it is opened: the only place that knows its adapters. */
import type { Config } from '../config/config.ts'
import { releasedSchemas } from '../schemas/released-schemas.ts'
import type { RegistryConnection } from '../schemas/registry-http.ts'
import type { SchemaIds } from '../schemas/schema-ids.ts'
import { topics } from '../schemas/topics.ts'
import { knownLogs, type KnownLogs } from '../sink/known-logs.ts'
import { openPool } from '../sink/postgres/pool.ts'
import type { KafkaSecurity } from '../topology/log/kafka-security.ts'
import type { TopicChoices } from '../topology/log/kafka-topic-plans.ts'
import type { Log } from '../topology/log/log.ts'
import { postgresLog } from '../topology/log/postgres-log.ts'
import { postgresRetention } from '../topology/log/postgres-retention.ts'
import type { Retention } from '../topology/log/retention.ts'
import { withLateIds, type WaitObserver } from '../topology/log/with-late-ids.ts'
import { withSchemaIds } from '../topology/log/with-schema-ids.ts'
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
  /** Of topics that are made, and what those that are there are compared with. */
  readonly choices?: TopicChoices
  /** What the schema registry said when the process started; undefined without one. */
  readonly schemaIds?: SchemaIds | undefined
  /** Where to ask for ids that came up later. */
  readonly registry?: RegistryConnection | undefined
}

const DAY_MS = 86_400_000

/** Asks the schema registry, where there is one for Kafka; `note` is told when it does not answer at once. */
export async function logSourceOf(
  config: Config,
  databaseUrl: string,
  note: (line: string) => void,
): Promise<LogSource> {
  const kafka = kafkaSourceOf(config)
  if (kafka === undefined) return { databaseUrl, partitions: config.partitions, kafka }
  const { registryOf, schemaIdsOf } = await import('./schema-ids.ts')
  const schemaIds = await schemaIdsOf(config, databaseUrl, note)
  return {
    databaseUrl,
    partitions: config.partitions,
    kafka: { ...kafka, schemaIds, registry: registryOf(config) },
  }
}

/** Where Kafka is; undefined where the log is in the database. */
export function kafkaSourceOf(config: Config): KafkaSource | undefined {
  const { kafkaBrokers: brokers, kafkaPrefix: prefix, kafkaSecurity: security } = config
  if (brokers.length === 0) return undefined
  return { brokers, prefix, security, choices: topicChoicesOf(config) }
}

export function topicChoicesOf(config: Config): TopicChoices {
  const { kafkaReplicas: replicas, kafkaInSyncMin: inSyncMin, answersDays } = config
  return {
    answersMs: answersDays * DAY_MS,
    ...(replicas === undefined ? {} : { replicas }),
    ...(inSyncMin === undefined ? {} : { inSyncMin }),
  }
}

export type OpenLogOptions = {
  /** For the names of connections. */
  readonly role: string
  /** Of the database: shared with whoever opens the log, and not ended with it. */
  readonly pool?: ReturnType<typeof openPool>
  /** Told of what differs in the topics and breaks no promise. */
  readonly onDifference?: (sentence: string) => void
  /** Told of a topic whose records may not be removed. */
  readonly onRefused?: (sentence: string) => void
  /** Given by who decides commands: those with an unknown schema id wait until the registry was asked. */
  readonly lateIds?: LateIdsObserver
}

export type LateIdsObserver = {
  waits: WaitObserver
  /** Each try to ask the registry. */
  failed(error: unknown): void
  answered(): void
}

/** Opens the log and creates its topics on first use. Refuses one that the database was not made from. */
export async function openLog(source: LogSource, options: OpenLogOptions): Promise<Log> {
  const { log } = await openChecked(source, options)
  return log
}

/** The same, with what removes records that nobody needs any more; it works until the log is closed. */
export async function openLogWithRetention(
  source: LogSource,
  options: OpenLogOptions,
): Promise<{ readonly log: Log; readonly retention: Retention }> {
  const { log, retention } = await openChecked(source, options)
  return { log, retention: retention() }
}

type Opened = { readonly log: Log; readonly retention: () => Retention }

async function openChecked(source: LogSource, options: OpenLogOptions): Promise<Opened> {
  const { kafka } = source
  const known = await knownTo(source, options)
  if (kafka !== undefined) refuseOwnRecords(known)
  const opened = await (kafka === undefined
    ? openEmbedded(source, options)
    : openKafka(source, kafka, options))
  const { log } = opened
  try {
    refuseOtherLog(known, { identity: log.identity, isOnKafka: kafka !== undefined })
    return opened
  } catch (error) {
    await log.close()
    throw error
  }
}

async function openEmbedded(
  { databaseUrl: url, partitions }: LogSource,
  { role, pool }: OpenLogOptions,
): Promise<Opened> {
  const own = pool === undefined ? {} : { pool }
  const log = await postgresLog({ url, partitions, role, ...own })
  return { log, retention: () => postgresRetention(url, role, pool) }
}

async function openKafka(
  { partitions }: LogSource,
  { schemaIds, registry, ...cluster }: KafkaSource,
  { role, onDifference = () => undefined, onRefused = () => undefined, lateIds }: OpenLogOptions,
): Promise<Opened> {
  // Its client is much to load for each thread of an engine whose log is in the database.
  const { kafkaLog } = await import('../topology/log/kafka-log.ts')
  const opened = await kafkaLog({ ...cluster, partitions, role, onDifference })
  const known = schemaIds === undefined ? opened : withSchemaIds(opened, schemaIds)
  const log =
    registry === undefined || lateIds === undefined
      ? known
      : await askingForIds(known, registry, lateIds)
  return { log, retention: () => known.retention({ onRefused }) }
}

async function askingForIds(
  log: Log,
  registry: RegistryConnection,
  { waits, failed, answered }: LateIdsObserver,
): Promise<Log> {
  const { lateIds: asking } = await import('../schemas/late-ids.ts')
  const versions = releasedSchemas(topics['ledger.commands'].schema)
  const ids = asking(registry, { versions, onFailed: failed, onAnswered: answered })
  return withLateIds(log, ids, waits)
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
