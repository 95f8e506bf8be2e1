/**
 * The entry `saldo/producer`: publishes commands from another program. It needs the address of the log and nothing
 * else: producers hold no keys and decide nothing.
 *
 * Invariant: commands are appended in the order in which `send` was called, and none overtakes one that failed.
 */
import { randomUUID } from 'node:crypto'
import { commandCodec } from '../schemas/codec.ts'
import { SaldoError } from '../schemas/errors.ts'
import type { RegistryConnection } from '../schemas/registry-http.ts'
import type { Initiator, LedgerCommandBody } from '../schemas/types.ts'
import { kafkaLog } from '../topology/log/kafka-log.ts'
import type { KafkaSecurity } from '../topology/log/kafka-security.ts'
import type { Log, NewRecord, Producer } from '../topology/log/log.ts'
import { postgresLog } from '../topology/log/postgres-log.ts'
import { withSchemaIds } from '../topology/log/with-schema-ids.ts'
import { commandFromJson } from './command-json.ts'
import { recordOf } from './command-record.ts'

const BATCH_RECORDS_MAX = 500
const BATCH_BYTES_MAX = 1_000_000
const RETRY_FOR_MS = 30_000

export type CommandProducerOptions = (
  | {
      /** PostgreSQL that the engine runs on, `postgresql://…`. */
      readonly databaseUrl: string
    }
  | {
      /** Kafka that holds the log, where the engine runs on it (`KAFKA_BROKERS`). */
      readonly kafka: KafkaAddress
    }
  | {
      /** A log that is open already; `close` leaves it open. */
      readonly log: Log
    }
) & {
  /** Milliseconds for which an append that does not get through is repeated before it fails; 30,000 without it. */
  readonly retryForMs?: number
}

export type KafkaAddress = {
  /** Some of the cluster's brokers, `host:port` each. */
  readonly brokers: readonly string[]
  /** `SALDO_KAFKA_PREFIX` of the engine; none without it. */
  readonly prefix?: string
  /** TLS and a login, as the settings of the engine have them (docs/kafka-security.md); plain text and nobody without it. */
  readonly security?: KafkaSecurity
  /**
   * Where the engine has a schema registry (`SCHEMA_REGISTRY_URL`): commands then carry its ids, which other programs
   * need and the engine does not. It is asked once; nothing is registered.
   */
  readonly registry?: RegistryConnection
}

export type CommandProducer = {
  /**
   * Resolves when the command is durable in the log: the engine will answer it exactly once. Commands that are sent
   * without waiting travel together and keep their order; wait for some of them now and then, they are kept in memory.
   *
   * Rejects with a SaldoError: `SALDO_INPUT_INVALID`, whose message is the path of the wrong field and what is wrong
   * with it, and `SALDO_RECORD_TOO_LARGE`, before anything was sent; `SALDO_DATABASE_UNAVAILABLE` or
   * `SALDO_LOG_UNAVAILABLE` when the log stayed away, for this command and all that waited behind it. Those may be
   * sent again with the same `commandId`: what was stored before is answered with `duplicate`.
   */
  send(command: NewCommand): Promise<{
    /** The command's name in outcomes, and at `GET /v1/commands/:commandId` of the query API. */
    readonly commandId: string
  }>
  /** Waits for what was sent and lets go of the log; what is sent after it is refused. */
  close(): Promise<void>
}

/**
 * Connects to the log. Rejects with `SALDO_DATABASE_UNAVAILABLE` or `SALDO_LOG_UNAVAILABLE`, or with
 * `SALDO_LOG_MISMATCH` where no engine ever ran; with a registry also with `SALDO_REGISTRY_UNAVAILABLE`, and with
 * `SALDO_SCHEMA_INCOMPATIBLE` where it does not have the schema of commands.
 */
export async function producer(options: CommandProducerOptions): Promise<CommandProducer> {
  const { retryForMs = RETRY_FOR_MS } = options
  if ('log' in options) return new Sender(options.log, retryForMs, () => Promise.resolve())
  const log =
    'kafka' in options
      ? await openKafka(options.kafka)
      : await postgresLog({ url: options.databaseUrl, role: 'producer' })
  return new Sender(log, retryForMs, () => log.close())
}

async function openKafka({ registry, ...cluster }: KafkaAddress): Promise<Log> {
  if (registry === undefined) return await kafkaLog({ ...cluster, role: 'producer' })
  // Its client is much to load for programs that have no registry.
  const { foundIds } = await import('../schemas/registered-ids.ts')
  const wanted = { topic: 'ledger.commands', writes: commandCodec.schemaId } as const
  const ids = await foundIds(registry, { prefix: cluster.prefix ?? '', ...wanted })
  return withSchemaIds(await kafkaLog({ ...cluster, role: 'producer' }), ids)
}

/**
 * A command as a producer writes it: the fields of its schema, where what may be null may be left out. Amounts are
 * decimals (`amount: '-12.50'` beside `currency`) or minor units (`amountMinor: -1250n`), dates `YYYY-MM-DD`, times
 * ISO 8601 or milliseconds since 1970 UTC.
 */
export type NewCommand = {
  /** The ledger: 1 to 64 letters, digits and `. _ : -`. A key of records that is never sealed: use random ids. */
  readonly userId: string
  /** A uuid of your choice; a random one without it. Give it when you may have to send the command again. */
  readonly commandId?: string | null | undefined
  /** The producer's clock, informative; now without it. */
  readonly issuedAt?: number | string | null | undefined
  /** Version of the addressed aggregate that was seen; another one is answered with `version-conflict`. */
  readonly expectedVersion?: number | null | undefined
  /** Who caused it; the user without it. */
  readonly initiator?: Initiator | null | undefined
  /** W3C trace context. */
  readonly traceparent?: string | null | undefined
  readonly body: NewCommandBody
}

/** What is wished: one of the commands of docs/commands.md. */
export type NewCommandBody = Written<LedgerCommandBody>

/** From the generated types by their naming rule: `…On` is a date, `…At` a time, `…Minor` an amount. */
type Written<Body> = Body extends object
  ? {
      readonly [
        Name in keyof Body as IsOptional<Name, Body[Name]> extends true ? never : Name
      ]: WrittenField<Name, Body[Name]>
    } & {
      readonly [Name in keyof Body as IsOptional<Name, Body[Name]> extends true ? Name : never]?:
        | WrittenField<Name, Exclude<Body[Name], null>>
        | null
        | undefined
    } & Decimals<Body>
  : Body

type IsOptional<Name, Value> = null extends Value
  ? true
  : // An amount has two spellings; a transaction has a time and a source without being told.
    Name extends `${string}Minor` | 'occurredAt' | 'source'
    ? true
    : false

type WrittenField<Name, Value> = Name extends `${string}On`
  ? string
  : Name extends `${string}At`
    ? number | string
    : Value extends readonly (infer Item)[]
      ? readonly Written<Item>[]
      : Value

type Decimals<Body> = {
  readonly [Name in keyof Body as Name extends `${infer Stem}Minor` ? Stem : never]?:
    | string
    | null
    | undefined
} & ('amountMinor' extends keyof Body ? { readonly currency?: string | null | undefined } : unknown)

type Waiting = { readonly record: NewRecord; readonly stored: PromiseWithResolvers<void> }

class Sender implements CommandProducer {
  readonly #partitions: number
  readonly #producer: Producer
  readonly #release: () => Promise<void>
  #waiting: Waiting[] = []
  #appending: Promise<void> | undefined
  #closed: Promise<void> | undefined

  constructor(log: Log, retryForMs: number, release: () => Promise<void>) {
    this.#partitions = log.partitions
    this.#producer = log.producer({ retryForMs })
    this.#release = release
  }

  async send(command: NewCommand): Promise<{ readonly commandId: string }> {
    if (this.#closed !== undefined) throw new SaldoError('SALDO_USAGE', 'the producer is closed')
    const read = commandFromJson(command, { now: Date.now(), newId: randomUUID })
    const stored = Promise.withResolvers<void>()
    this.#waiting.push({ record: recordOf(read, this.#partitions), stored })
    this.#appending ??= this.#appendAll().finally(() => {
      this.#appending = undefined
    })
    await stored.promise
    return { commandId: read.commandId }
  }

  close(): Promise<void> {
    this.#closed ??= this.#end()
    return this.#closed
  }

  async #end(): Promise<void> {
    await this.#appending
    await this.#producer.close()
    await this.#release()
  }

  async #appendAll(): Promise<void> {
    // What is sent in the same turn goes into the first batch.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const batch = this.#take()
      try {
        await this.#producer.append(batch.map(({ record }) => record))
        for (const { stored } of batch) stored.resolve()
      } catch (error) {
        // What waits behind fails as well: a later command of a user must not be decided before an earlier one.
        for (const { stored } of [...batch, ...this.#waiting]) stored.reject(error)
        this.#waiting = []
      }
    }
  }

  #take(): readonly Waiting[] {
    let bytes = 0
    const end = this.#waiting.findIndex(({ record }, index) => {
      bytes += record.value.length
      return index === BATCH_RECORDS_MAX || (index > 0 && bytes > BATCH_BYTES_MAX)
    })
    return this.#waiting.splice(0, end === -1 ? this.#waiting.length : end)
  }
}
