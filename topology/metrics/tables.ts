/** Metrics of the tables role. */
import type { TableObserver } from '../run-tables.ts'
import { connectionsGauge, offsetsLeft, roleMetrics, type ConnectionUse } from './role-metrics.ts'

export type TableMetrics = { readonly observer: TableObserver; text(): Promise<string> }

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
  const { counter, gauge, text } = roleMetrics()
  const items = counter({
    name: 'saldo_table_items_total',
    help: 'Records folded into tables, by reader.',
    labelNames: ['reader'],
  })
  const written = counter({
    name: 'saldo_table_rows_total',
    help: 'Rows written to or removed from each table.',
    labelNames: ['table'],
  })
  const lag = gauge({
    name: 'saldo_table_lag_offsets',
    help: 'Offsets between what a reader has folded and the committed end. A rise means that answers get old.',
    labelNames: ['reader', 'partition'],
  })
  const waiting = new Map<string, Waiting>()
  gauge({
    name: 'saldo_table_lag_seconds',
    help: 'Age of the oldest record that a reader has in hand and not yet in its tables; 0 when there is none.',
    labelNames: ['reader', 'partition'],
    collect() {
      for (const { reader, partition, since } of waiting.values())
        this.set({ reader, partition }, since === undefined ? 0 : Math.max(0, now() - since) / 1000)
    },
  })
  const detached = counter({
    name: 'saldo_processors_detached_total',
    help: 'Processors left behind because they threw. Any is a bug of ours: their table is stale until it is mended.',
    labelNames: ['processor'],
  })
  const alerts = counter({
    name: 'saldo_budget_alerts_total',
    help: 'Thresholds of budgets that were reached and told, by percentage; those that are not usual are one label.',
    labelNames: ['threshold'],
  })
  const { reviewQueue, connections } = sources
  const queued = everyMinute(reviewQueue, now)
  gauge({
    name: 'saldo_review_queue',
    help: 'Transactions that wait for a review, counted once a minute at most.',
    async collect() {
      const count = await queued()
      if (count !== undefined) this.set(count)
    },
  })
  connectionsGauge(gauge, {
    name: 'saldo_table_connections',
    help: 'Connections of the tables role to the database by state, and reads that wait for one.',
    labelNames: ['state'],
    use: connections,
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
        lag.set({ reader, partition }, offsetsLeft(next, end))
        if (next >= end)
          waiting.set(`${reader} ${partition}`, { reader, partition, since: undefined })
      },
      detached(processor, partition, error) {
        detached.inc({ processor })
        onDetached(processor, partition, error)
      },
    },
    text,
  }
}

/** `since` is the log time of what waits. */
type Waiting = {
  readonly reader: string
  readonly partition: number
  readonly since: number | undefined
}

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
