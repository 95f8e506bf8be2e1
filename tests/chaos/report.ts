import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { basename, join } from 'node:path'
import type { ChaosResult } from './chaos.ts'

const PAGE = join(import.meta.dirname, '..', '..', 'docs', 'reliability.md')
const BEGIN = '<!-- chaos: written by `npm run chaos -- --write` -->'
const END = '<!-- end of chaos -->'

/** The result as two Markdown tables. */
export function reportOf(result: ChaosResult): string {
  const faults = result.faults.map(({ name, times, missing }) => [
    name,
    missing === undefined ? String(times) : `skipped: ${missing}`,
  ])
  const struck = result.faults.reduce((sum, { times }) => sum + times, 0)
  return [
    table(['fault', 'times'], [...faults, ['**all**', `**${struck}**`]]),
    table(
      ['found', ''],
      [
        ['commands', String(result.commands)],
        ['outcomes', String(result.outcomes)],
        ['events', String(result.events)],
        ['commands without exactly one outcome, or with a wrong one', String(result.wrongOutcomes)],
        ['events that are missing or too many', String(result.wrongEvents)],
        ['wrong balances', String(result.wrongBalances)],
        ['differences of `saldo verify`', String(result.verifyDifferences)],
        ['engines that gave up', String(result.problems.length)],
        ['seed', String(result.seed)],
        ['seconds', String(result.seconds)],
        ['date', new Date().toISOString().slice(0, 10)],
        ['machine', machine()],
        ['versions', `Node.js ${process.version}, PostgreSQL ${result.postgresql}`],
      ],
    ),
  ].join('\n')
}

export function writeReport(report: string): void {
  replacedIn(PAGE, { begin: BEGIN, end: END }, () => report)
}

/** What is between the markers of a page; the rest of it is written by people. */
export function replacedIn(
  page: string,
  { begin, end }: { readonly begin: string; readonly end: string },
  replace: (before: string) => string,
): void {
  const text = readFileSync(page, 'utf8')
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`${basename(page)} has lost its markers`)
  const inside = replace(text.slice(from + begin.length, to))
  writeFileSync(page, `${text.slice(0, from)}${begin}\n\n${inside.trimEnd()}\n\n${text.slice(to)}`)
}

export function machine(): string {
  const gigabytes = Math.round(totalmem() / 2 ** 30)
  return `${cpus()[0]?.model.trim() ?? process.arch}, ${cpus().length} cores, ${gigabytes} GiB`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('')
}
