/**
 * What the metrics of every role are made with. A metric's help says what to do when it moves; docs/metrics.md says more.
 *
 * Invariant: labels never hold personal data.
 */
import {
  Counter,
  Gauge,
  Histogram,
  Registry,
  type CounterConfiguration,
  type GaugeConfiguration,
  type HistogramConfiguration,
} from 'prom-client'

type Unregistered<Configuration> = Omit<Configuration, 'registers'>

/** Makes metrics that one role shows; `text` is Prometheus' format. */
export function roleMetrics() {
  const registry = new Registry()
  const registers = [registry]
  return {
    counter: <Label extends string = string>(metric: Unregistered<CounterConfiguration<Label>>) =>
      new Counter<Label>({ ...metric, registers }),
    gauge: <Label extends string = string>(metric: Unregistered<GaugeConfiguration<Label>>) =>
      new Gauge<Label>({ ...metric, registers }),
    histogram: <Label extends string = string>(
      metric: Unregistered<HistogramConfiguration<Label>>,
    ) => new Histogram<Label>({ ...metric, registers }),
    text: () => registry.metrics(),
  }
}

export type ConnectionUse = {
  readonly busy: number
  readonly idle: number
  readonly waiting: number
}

/** Connections to the database by state, looked up at each scrape. */
export function connectionsGauge(
  gauge: ReturnType<typeof roleMetrics>['gauge'],
  {
    use,
    ...metric
  }: {
    readonly name: string
    readonly help: string
    readonly labelNames: readonly 'state'[]
    readonly use: (() => ConnectionUse) | undefined
  },
): void {
  gauge({
    ...metric,
    labelNames: [...metric.labelNames],
    collect() {
      for (const [state, count] of Object.entries(use?.() ?? {})) this.set({ state }, count)
    },
  })
}

export function offsetsLeft(position: bigint, end: bigint): number {
  return Number(end > position ? end - position : 0n)
}
