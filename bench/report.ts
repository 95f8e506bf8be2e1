/** What every line of a bench says beside its figures. */
import { arch, cpus, loadavg, totalmem } from 'node:os'

export type Conditions = { readonly [name: string]: string | number | boolean }
export type Figures = { readonly [name: string]: unknown }

export type Report = {
  /** A JSON line on standard output: the only thing that goes there. */
  line(name: string, figures: Figures): void
  /** A sentence for who waits, on standard error. */
  note(text: string): void
}

export function reportOf(options: { readonly quiet: boolean }): Report & {
  /** What holds for every later line. */
  given(postgresql: string | null, conditions: Conditions): void
} {
  let postgresql: string | null = null
  let conditions: Conditions = {}
  return {
    given(version, held) {
      postgresql = version
      conditions = held
    },
    line(name, figures) {
      const line = {
        name,
        ...figures,
        machine: {
          cpu: cpus()[0]?.model ?? arch(),
          cores: cpus().length,
          memoryGiB: Math.round(totalmem() / 2 ** 30),
        },
        loadAverage: round(loadavg()[0] ?? 0),
        node: process.version,
        postgresql,
        conditions,
        date: new Date().toISOString(),
      }
      process.stdout.write(`${JSON.stringify(line)}\n`)
    },
    note(text) {
      if (!options.quiet) process.stderr.write(`${text}\n`)
    },
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2
}

/** Of sorted values: the one below which this share of them is (nearest rank). */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

/** Largest less smallest, as a share of the median. */
export function spread(values: readonly number[]): number {
  return round((Math.max(...values) - Math.min(...values)) / median(values), 3)
}

export function round(value: number, digits = 1): number {
  return Number(value.toFixed(digits))
}
