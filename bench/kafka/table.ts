/** The figures as one table for people, or line by line as JSON. */
import { arch, cpus, loadavg, totalmem } from 'node:os'
import { reportOf, round, type Conditions, type Figures, type Report } from '../report.ts'

const KAFKA = '4.3.1'

export type Table = Report & {
  /** The version of the PostgreSQL that the engine's tables are in. */
  given(postgresql: string): void
  /** At the end; nothing where the lines were printed as they came. */
  print(): void
}

export function tableOf(json: boolean, conditions: Conditions): Table {
  const report = reportOf({ quiet: false })
  const held = { ...conditions, kafka: KAFKA, broker: 'one, 1 GiB of heap, acks=all' }
  const lines: { readonly name: string; readonly figures: Figures }[] = []
  let postgresql = ''
  return {
    given(version) {
      postgresql = version
      report.given(version, held)
    },
    note: report.note,
    line(name, figures) {
      if (json) report.line(name, figures)
      else lines.push({ name, figures })
    },
    print() {
      if (json) return
      const text = [...Map.groupBy(lines, ({ name }) => name)].flatMap(([name, own]) => [
        '',
        name,
        ...alignedRows(own.map(({ figures }) => figures)),
      ])
      process.stdout.write(`${[...text, '', ...machine(held, postgresql)].join('\n')}\n`)
    },
  }
}

function machine(conditions: Conditions, postgresql: string): readonly string[] {
  const [cpu] = cpus()
  const memory = Math.round(totalmem() / 2 ** 30)
  const load = round(loadavg()[0] ?? 0)
  return [
    `${cpu?.model ?? arch()}, ${cpus().length} cores, ${memory} GiB, load average ${load}`,
    `Node ${process.version}, PostgreSQL ${postgresql}, ${new Date().toISOString()}`,
    Object.entries(conditions)
      .map(([name, value]) => `${name} ${value}`)
      .join(', '),
  ]
}

/** Columns are what any of the rows has. */
export function alignedRows(rows: readonly Figures[]): readonly string[] {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const cells = [columns, ...rows.map((row) => columns.map((column) => cell(row[column])))]
  const widths = columns.map((_, index) => Math.max(...cells.map((row) => row[index]?.length ?? 0)))
  return cells.map((row) =>
    row
      .map((text, index) => text.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

function cell(value: unknown): string {
  if (value === undefined) return '–'
  if (Array.isArray(value)) return value.map(cell).join(' ')
  return typeof value === 'string' ? value : JSON.stringify(value)
}
