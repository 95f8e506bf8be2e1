import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
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
  const machine = `${cpus()[0]?.model.trim() ?? process.arch}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`
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
        ['machine', machine],
        ['versions', `Node.js ${process.version}, PostgreSQL ${result.postgresql}`],
      ],
    ),
  ].join('\n')
}

/** Between the markers of the page; the rest of it is written by people. */
export function writeReport(report: string): void {
  const page = readFileSync(PAGE, 'utf8')
  const [before, after] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (before < 0 || after < before) throw new Error('docs/reliability.md has lost its markers')
  const kept = [page.slice(0, before), page.slice(after)]
  writeFileSync(PAGE, `${kept[0]}${BEGIN}\n\n${report}\n${kept[1]}`)
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('')
}
