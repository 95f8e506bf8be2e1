import { join } from 'node:path'
import type { ChaosResult } from './chaos.ts'
import type { Row } from './kafka-matrix.ts'
import { machine, replacedIn } from './report.ts'

const PAGE = join(import.meta.dirname, '..', '..', 'docs', 'kafka-reliability.md')
const BEGIN = '<!-- chaos: lines written by `npm run chaos:kafka -- --write` -->'
const END = '<!-- end of chaos -->'

/** One line of the table, as Markdown. */
export function lineOf(name: string, { engines, brokers }: Row, result: ChaosResult): string {
  const [struck] = result.faults
  const times = struck?.recoveries.toSorted((a, b) => a - b) ?? []
  const [half, most] = [times[Math.floor(times.length / 2)], times.at(-1)]
  const cells = [
    name,
    struck?.missing === undefined ? String(struck?.times ?? 0) : `skipped: ${struck.missing}`,
    half === undefined || most === undefined ? '–' : `${seconds(half)} / ${seconds(most)}`,
    `${engines} / ${brokers}`,
    String(result.commands),
    String(result.outcomes),
    String(result.deadLetters),
    String(result.events),
    verdictOf(result),
    String(result.seed),
    new Date().toISOString().slice(0, 16).replace('T', ' '),
    `${machine()}; Node.js ${process.version}, Kafka 4.3.1, PostgreSQL ${result.postgresql}`,
  ]
  return `| ${cells.join(' | ')} |`
}

function verdictOf(result: ChaosResult): string {
  const { wrongOutcomes, wrongEvents, wrongBalances, verifyDifferences, problems, findings } =
    result
  if (problems.length + findings.length === 0) return 'nothing wrong'
  const counts = {
    'wrong outcomes': wrongOutcomes,
    'wrong events': wrongEvents,
    'wrong balances': wrongBalances,
    'differences of verify': verifyDifferences,
    'engines that gave up': problems.length,
  }
  const said = Object.entries(counts).filter(([, count]) => count > 0)
  return `**${said.map(([what, count]) => `${count} ${what}`).join(', ') || findings[0]}**`
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

/** In place of the line of the same kind; those that were not run stay as they are. */
export function writeLine(name: string, line: string): void {
  replacedIn(PAGE, { begin: BEGIN, end: END }, (before) => {
    const lines = before.trim().split('\n')
    const at = lines.findIndex((one) => one.startsWith(`| ${name} |`))
    return at < 0 ? [...lines, line].join('\n') : lines.with(at, line).join('\n')
  })
}
