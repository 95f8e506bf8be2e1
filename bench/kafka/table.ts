/** The figures as one table for people, or line by line as JSON. */
import { arch, cpus, loadavg, totalmem } from 'node:os'
import { reportOf, round, type Figures, type Report } from '../report.ts'

const KAFKA = '4.3.1'

export type Table = Report & {
  /** At the end; nothing where the lines were printed as they came. */
  print(conditions: Figures): void
}

export function tableOf(json: boolean): Table {
  const report = reportOf({ quiet: false })
  const lines: { readonly name: string; readonly figures: Figures }[] = []
  return {
    note: report.note,
    line(name, figures) {
      if (json) report.line(name, figures)
      else lines.push({ name, figures })
    },
    print(conditions) {
      if (json) return
      const text = [...Map.groupBy(lines, ({ name }) => name)].flatMap(([name, own]) => [
        '',
        name,
        ...alignedRows(own.map(({ figures }) => figures)),
      ])
      process.stdout.write(`${[...text, '', machineOf(conditions)].join('\n')}\n`)
    },
  }
}

function machineOf(conditions: Figures): string {
  const [cpu] = cpus()
  return [
    `${cpu?.model ?? arch()}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB; load average ${round(loadavg()[0] ?? 0)}`,
    `Node ${process.version}, Kafka and Kafka Streams ${KAFKA}, one broker, acks=all; ${new Date().toISOString()}`,
    ...Object.entries(conditions).map(([name, value]) => `${name}: ${cell(value)}`),
  ].join('\n')
}

/** Columns are what any of the rows has. */
function alignedRows(rows: readonly Figures[]): readonly string[] {
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
