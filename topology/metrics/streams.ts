/** Metrics of the streams role: of the streams, and of the relay that it runs. */
import type { RelayObserver } from '../run-relay.ts'
import type { StreamObserver } from '../run-streams.ts'
import { offsetsLeft, roleMetrics } from './role-metrics.ts'

export type RelayMetrics = { readonly observer: RelayObserver; text(): Promise<string> }
export type StreamMetrics = { readonly observer: StreamObserver; text(): Promise<string> }

/** Of the streams role. */
export function streamMetrics(): StreamMetrics {
  const { counter, gauge, text } = roleMetrics()
  const records = counter({
    name: 'saldo_stream_records_total',
    help: 'Records written for readers outside, by topic.',
    labelNames: ['topic'],
  })
  const lag = gauge({
    name: 'saldo_stream_lag_offsets',
    help: 'Offsets between the events that the streams have passed and the committed end. A rise means that readers outside hear late.',
    labelNames: ['partition'],
  })
  return {
    observer: {
      committed(partition, { records: written, next, end }) {
        for (const { topic } of written) records.inc({ topic })
        lag.set({ partition }, offsetsLeft(next, end))
      },
    },
    text,
  }
}

/** Of the relay, which the streams role runs. */
export function relayMetrics(onFailed: RelayObserver['failed']): RelayMetrics {
  const { counter, gauge, text } = roleMetrics()
  const records = counter({
    name: 'saldo_relay_records_total',
    help: 'Records told from the outbox, by topic.',
    labelNames: ['topic'],
  })
  const failures = counter({
    name: 'saldo_relay_failures_total',
    help: 'Tries to tell a row of the outbox that cannot be told. Any is a bug of ours: the row holds its user back.',
  })
  const rows = gauge({
    name: 'saldo_outbox_waiting_rows',
    help: 'Rows of the outbox that are not told.',
    labelNames: ['partition'],
  })
  const age = gauge({
    name: 'saldo_outbox_oldest_seconds',
    help: 'For how long the oldest row of the outbox that is not told is there.',
    labelNames: ['partition'],
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
    text,
  }
}
