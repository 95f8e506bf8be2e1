/** Every metric of the engine, its unit and what to do when it moves. Labels never hold personal data. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { WaitObserver } from './log/with-late-ids.ts'
import type { ActorObserver, LeaseState } from './run-actors.ts'
import type { ClockObserver } from './run-clock.ts'
import type { RelayObserver } from './run-relay.ts'
import type { StreamObserver } from './run-streams.ts'
import type { TableObserver } from './run-tables.ts'

export type ActorMetrics = {
  readonly observer: ActorObserver
  readonly waits: WaitObserver
  text(): Promise<string>
}
export type ClockMetrics = { readonly observer: ClockObserver; text(): Promise<string> }
export type RelayMetrics = { readonly observer: RelayObserver; text(): Promise<string> }
export type StreamMetrics = { readonly observer: StreamObserver; text(): Promise<string> }
export type TableMetrics = { readonly observer: TableObserver; text(): Promise<string> }

const leaseStates: readonly LeaseState[] = ['fencing', 'restoring', 'running', 'draining']

/** Of the actors role. */
export function actorMetrics(
  onFault: (partition: number, error: unknown) => void,
  connections?: () => ConnectionUse,
  now: () => number = Date.now,
): ActorMetrics {
  const registry = new Registry()
  const decided = new Counter({
    name: 'saldo_commands_decided_total',
    help: 'Commands answered, by verdict. A rise of failed is a bug of ours: look at the dead letters.',
    labelNames: ['verdict'],
    registers: [registry],
  })
  const deadLetters = new Counter({
    name: 'saldo_dead_letters_total',
    help: 'Records set aside. A rise means a producer sends what cannot be read, or that we failed.',
    registers: [registry],
  })
  const parked = new Counter({
    name: 'saldo_ledgers_parked_total',
    help: 'Times that a ledger was parked because we failed on one of its commands. Any needs an operator: saldo unpark.',
    registers: [registry],
  })
  const batch = new Histogram({
    name: 'saldo_batch_commands',
    help: 'Commands per committed batch. Always at the limit means that the engine is behind.',
    buckets: [1, 10, 50, 100, 250, 500, 1000],
    registers: [registry],
  })
  const state = new Gauge({
    name: 'saldo_lease_state',
    help: 'State of each partition that this process works on: 1 for the one it is in. Anything but running for long needs a look.',
    labelNames: ['partition', 'state'],
    registers: [registry],
  })
  const restoring = new Gauge({
    name: 'saldo_restore_left_offsets',
    help: 'Offsets of events that a take-over still has to fold before it takes commands. Much after an upgrade means that states are made anew, which happens once.',
    labelNames: ['partition'],
    registers: [registry],
  })
  const waitingSince = new Map<number, number>()
  new Gauge({
    name: 'saldo_registry_wait_seconds',
    help: 'For how long a partition waits for the schema registry to say what an unknown id is; shown while it does.',
    labelNames: ['partition'],
    registers: [registry],
    collect() {
      this.reset()
      for (const [partition, since] of waitingSince) this.set({ partition }, (now() - since) / 1000)
    },
  })
  new Gauge({
    name: 'saldo_actor_connections',
    help: 'Connections of the actors to the database for keys by state, and reads that wait for one.',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      for (const [state, count] of Object.entries(connections?.() ?? {})) this.set({ state }, count)
    },
  })
  return {
    observer: {
      restoring: (partition, { position, end }) =>
        restoring.set({ partition }, Number(end > position ? end - position : 0n)),
      state(partition, current) {
        for (const name of leaseStates)
          state.set({ partition, state: name }, name === current ? 1 : 0)
      },
      committed(_partition, { answers, deadLetters: letters }) {
        for (const { outcome } of answers) {
          decided.inc({ verdict: outcome.verdict })
          if (outcome.verdict === 'failed') parked.inc()
        }
        deadLetters.inc(letters)
        batch.observe(answers.length)
      },
      fault: onFault,
    },
    waits(partition, waits) {
      if (waits === undefined) waitingSince.delete(partition)
      else if (!waitingSince.has(partition)) waitingSince.set(partition, now())
    },
    text: () => registry.metrics(),
  }
}

/** What the tables role looks up when it is scraped. */
export type TableSources = {
  readonly connections?: () => ConnectionUse
  /** Transactions that wait for a review, of all users. */
  readonly reviewQueue?: () => Promise<number>
}

/** A user may choose any percentage: a label for each would be without bound. */
const USUAL_THRESHOLDS: readonly number[] = [50, 75, 80, 90, 100]

/** Of the tables role. */
export function tableMetrics(
  onDetached: (processor: string, partition: number, error: unknown) => void,
  sources: TableSources = {},
  now: () => number = Date.now,
): TableMetrics {
  const registry = new Registry()
  const items = new Counter({
    name: 'saldo_table_items_total',
    help: 'Records folded into tables, by reader.',
    labelNames: ['reader'],
    registers: [registry],
  })
  const written = new Counter({
    name: 'saldo_table_rows_total',
    help: 'Rows written to or removed from each table.',
    labelNames: ['table'],
    registers: [registry],
  })
  const lag = new Gauge({
    name: 'saldo_table_lag_offsets',
    help: 'Offsets between what a reader has folded and the committed end. A rise means that answers get old.',
    labelNames: ['reader', 'partition'],
    registers: [registry],
  })
  const waiting = new Map<string, Waiting>()
  new Gauge({
    name: 'saldo_table_lag_seconds',
    help: 'Age of the oldest record that a reader has in hand and not yet in its tables; 0 when there is none.',
    labelNames: ['reader', 'partition'],
    registers: [registry],
    collect() {
      for (const { reader, partition, since } of waiting.values())
        this.set({ reader, partition }, since === undefined ? 0 : Math.max(0, now() - since) / 1000)
    },
  })
  const detached = new Counter({
    name: 'saldo_processors_detached_total',
    help: 'Processors left behind because they threw. Any is a bug of ours: their table is stale until it is mended.',
    labelNames: ['processor'],
    registers: [registry],
  })
  const alerts = new Counter({
    name: 'saldo_budget_alerts_total',
    help: 'Thresholds of budgets that were reached and told, by percentage; those that are not usual are one label.',
    labelNames: ['threshold'],
    registers: [registry],
  })
  const { reviewQueue, connections } = sources
  const queued = everyMinute(reviewQueue, now)
  new Gauge({
    name: 'saldo_review_queue',
    help: 'Transactions that wait for a review, counted once a minute at most.',
    registers: [registry],
    async collect() {
      const count = await queued()
      if (count !== undefined) this.set(count)
    },
  })
  new Gauge({
    name: 'saldo_table_connections',
    help: 'Connections of the tables role to the database by state, and reads that wait for one.',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      for (const [state, count] of Object.entries(connections?.() ?? {})) this.set({ state }, count)
    },
  })
  return {
    observer: {
      told: ({ record: { threshold } }) =>
        alerts.inc({ threshold: USUAL_THRESHOLDS.includes(threshold) ? threshold : 'other' }),
      reading(reader, partition, since) {
        waiting.set(`${reader} ${partition}`, { reader, partition, since })
      },
      applied(reader, partition, { items: count, next, end, written: rows }) {
        items.inc({ reader }, count)
        for (const one of rows) written.inc({ table: one.table }, one.rows)
        lag.set({ reader, partition }, Number(end > next ? end - next : 0n))
        if (next >= end)
          waiting.set(`${reader} ${partition}`, { reader, partition, since: undefined })
      },
      detached(processor, partition, error) {
        detached.inc({ processor })
        onDetached(processor, partition, error)
      },
    },
    text: () => registry.metrics(),
  }
}

/** `since` is the log time of what waits. */
type Waiting = {
  readonly reader: string
  readonly partition: number
  readonly since: number | undefined
}

type ConnectionUse = { readonly busy: number; readonly idle: number; readonly waiting: number }

const MINUTE_MS = 60_000

/** What `look` last found, however often it is asked for; undefined until it answered, and while it fails the last answer. */
function everyMinute(
  look: (() => Promise<number>) | undefined,
  now: () => number,
): () => Promise<number | undefined> {
  let found: number | undefined
  let lookedAt = Number.NEGATIVE_INFINITY
  return async () => {
    if (look === undefined || now() - lookedAt < MINUTE_MS) return found
    lookedAt = now()
    found = await look().catch(() => found)
    return found
  }
}

/** Of the streams role. */
export function streamMetrics(): StreamMetrics {
  const registry = new Registry()
  const records = new Counter({
    name: 'saldo_stream_records_total',
    help: 'Records written for readers outside, by topic.',
    labelNames: ['topic'],
    registers: [registry],
  })
  const lag = new Gauge({
    name: 'saldo_stream_lag_offsets',
    help: 'Offsets between the events that the streams have passed and the committed end. A rise means that readers outside hear late.',
    labelNames: ['partition'],
    registers: [registry],
  })
  return {
    observer: {
      committed(partition, { records: written, next, end }) {
        for (const { topic } of written) records.inc({ topic })
        lag.set({ partition }, Number(end > next ? end - next : 0n))
      },
    },
    text: () => registry.metrics(),
  }
}

/** Of the relay, which the streams role runs. */
export function relayMetrics(onFailed: RelayObserver['failed']): RelayMetrics {
  const registry = new Registry()
  const records = new Counter({
    name: 'saldo_relay_records_total',
    help: 'Records told from the outbox, by topic.',
    labelNames: ['topic'],
    registers: [registry],
  })
  const failures = new Counter({
    name: 'saldo_relay_failures_total',
    help: 'Tries to tell a row of the outbox that cannot be told. Any is a bug of ours: the row holds its user back.',
    registers: [registry],
  })
  const rows = new Gauge({
    name: 'saldo_outbox_waiting_rows',
    help: 'Rows of the outbox that are not told.',
    labelNames: ['partition'],
    registers: [registry],
  })
  const age = new Gauge({
    name: 'saldo_outbox_oldest_seconds',
    help: 'For how long the oldest row of the outbox that is not told is there.',
    labelNames: ['partition'],
    registers: [registry],
  })
  return {
    observer: {
      relayed(_, told) {
        for (const { topic } of told) records.inc({ topic })
      },
      failed(partition, key, error) {
        failures.inc()
        onFailed(partition, key, error)
      },
      waiting(partition, { rows: count, oldestMs }) {
        rows.set({ partition }, count)
        age.set({ partition }, oldestMs / 1000)
      },
    },
    text: () => registry.metrics(),
  }
}

/** Of the clock role; a process that stands by shows none of the values. */
export function clockMetrics(): ClockMetrics {
  const registry = new Registry()
  const unread = new Gauge({
    name: 'saldo_oldest_unread_command_seconds',
    help: 'For how long the oldest command that is not decided is in the log. A rise means that a partition stands still.',
    labelNames: ['partition'],
    registers: [registry],
  })
  const segments = new Counter({
    name: 'saldo_segments_truncated_total',
    help: 'Segments of the log that were emptied, by topic.',
    labelNames: ['topic'],
    registers: [registry],
  })
  const offsets = new Counter({
    name: 'saldo_offsets_removed_total',
    help: 'Offsets that left a log on Kafka behind their readers, by topic.',
    labelNames: ['topic'],
    registers: [registry],
  })
  const told = new Counter({
    name: 'saldo_ledgers_advanced_total',
    help: 'Commands that told a ledger how far time is.',
    registers: [registry],
  })
  return {
    observer: {
      unread(ms) {
        for (const [partition, age] of ms) unread.set({ partition }, age / 1000)
      },
      removed(removed) {
        for (const one of removed) {
          if ('segments' in one) segments.inc({ topic: one.topic }, one.segments)
          else offsets.inc({ topic: one.topic }, one.offsets)
        }
      },
      told: (ledgers) => told.inc(ledgers),
    },
    text: () => registry.metrics(),
  }
}
