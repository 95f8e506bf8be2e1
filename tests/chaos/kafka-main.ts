/** `npm run chaos:kafka`: one line of the table after the other on standard output, everything else on standard error. */
import { missingForKafka } from '../support/kafka-jars.ts'
import { chaos } from './chaos.ts'
import { parsed, runAsMain, stopSignal, whole } from './command-line.ts'
import { lineOf, writeLine } from './kafka-report.ts'
import { matrix, type Row } from './kafka-matrix.ts'

const USAGE = `npm run chaos:kafka -- [options]

For each kind of fault a Kafka of its own, engines (saldo run actors), tables and PostgreSQL, and the fault again and
again while they work. Then a read_committed consumer of Java's client tells what is there: every command must have
exactly one outcome, every event must be there once and in its turn, the balances must be those of a model, and saldo
verify must count 0. Needs Java 17 and Maven.

  --commands N   commands for each kind of fault (20000)
  --only A,B     only these kinds: ${matrix.map(({ id }) => id).join(', ')}
  --seed S       draws the same commands and the same schedule (random)
  --keep         leave the data for a look; what went wrong always does
  --write        put each line into docs/kafka-reliability.md

A full disk takes Linux and root, who may mount a small one. Exit codes: 0 nothing wrong, 1 something, 2 wrong use.
`

const options = {
  commands: { type: 'string', default: '20000' },
  only: { type: 'string', default: matrix.map(({ id }) => id).join(',') },
  seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
  keep: { type: 'boolean', default: false },
  write: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

const note = (line: string): void => void process.stderr.write(`${line}\n`)

/** Returns the exit code. */
async function main(): Promise<number> {
  const values = parsed(options)
  if (values.help) {
    process.stdout.write(USAGE)
    return 0
  }
  const missing = missingForKafka()
  if (missing !== undefined) {
    note(`there is ${missing}`)
    return 2
  }
  const ids = values.only.split(',')
  const unknown = ids.filter((id) => !matrix.some((row) => row.id === id))
  if (unknown.length > 0) {
    note(`there is no ${unknown.join(', ')}\n\n${USAGE}`)
    return 2
  }
  const stop = stopSignal()
  const run = { commands: whole('commands', values.commands), seed: whole('seed', values.seed) }
  let wrong = 0
  for (const row of matrix.filter(({ id }) => ids.includes(id))) {
    stop.throwIfAborted()
    if (!(await runRow(row, { ...run, keep: values.keep, write: values.write, stop }))) wrong++
  }
  return wrong === 0 ? 0 : 1
}

type Run = {
  readonly commands: number
  readonly seed: number
  readonly keep: boolean
  readonly write: boolean
  readonly stop: AbortSignal
}

/** Whether nothing was wrong. */
async function runRow(row: Row, { commands, seed, keep, write, stop }: Run): Promise<boolean> {
  const name = row.name ?? row.fault.name
  note(`${row.id}: ${name}; seed ${seed}`)
  try {
    const result = await chaos({
      commands,
      seed,
      kinds: [row.fault],
      draw: () => Array.from({ length: row.times }, () => row.fault),
      engines: row.engines,
      brokers: row.brokers,
      ...(row.hot === undefined ? {} : { hot: row.hot }),
      hasRegistry: row.hasRegistry ?? false,
      isShort: false,
      databaseUrl: undefined,
      keep,
      stop,
      note: (line) => note(`  ${line}`),
    })
    const line = lineOf(name, row, result)
    process.stdout.write(`${line}\n`)
    if (write) writeLine(name, line)
    for (const finding of [...result.problems, ...result.findings]) note(finding)
    if (result.folder !== undefined) note(`the data are kept in ${result.folder}`)
    return result.problems.length + result.findings.length === 0
  } catch (error) {
    // One kind that cannot be run to its end is no reason not to know about the others.
    note(error instanceof Error ? (error.stack ?? error.message) : String(error))
    return false
  }
}

await runAsMain(main, USAGE)
