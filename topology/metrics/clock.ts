/** Metrics of the clock role. */
import type { ClockObserver } from '../run-clock.ts'
import { roleMetrics } from './role-metrics.ts'

export type ClockMetrics = { readonly observer: ClockObserver; text(): Promise<string> }

/** Of the clock role; a process that stands by shows none of the values. */
export function clockMetrics(): ClockMetrics {
  const { counter, gauge, text } = roleMetrics()
  const unread = gauge({
    name: 'saldo_oldest_unread_command_seconds',
    help: 'For how long the oldest command that is not decided is in the log. A rise means that a partition stands still.',
    labelNames: ['partition'],
  })
  const segments = counter({
    name: 'saldo_segments_truncated_total',
    help: 'Segments of the log that were emptied, by topic.',
    labelNames: ['topic'],
  })
  const offsets = counter({
    name: 'saldo_offsets_removed_total',
    help: 'Offsets that left a log on Kafka behind their readers, by topic.',
    labelNames: ['topic'],
  })
  const told = counter({
    name: 'saldo_ledgers_advanced_total',
    help: 'Commands that told a ledger how far time is.',
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
    text,
  }
}
