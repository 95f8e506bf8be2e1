/** `npm run chaos`: a table on standard output, or JSON; everything else on standard error. */
import { chaos } from './chaos.ts'
import { parsed, runAsMain, stopSignal, whole } from './command-line.ts'
import { allFaults, schedule } from './faults/all.ts'
import { reportOf, writeReport } from './report.ts'

const USAGE = `npm run chaos -- [options]

Two engines (saldo up) on a PostgreSQL of their own, and one fault after the other while they work. Then every command
must have exactly one outcome, and it, the events and the balances must be those of a model; saldo verify must count 0.

  --commands N   commands to send (500000)
  --faults N     faults to draw (128: four rounds of all kinds)
  --seed S       draws the same commands and the same kinds of faults in the same order (random)
  --minutes M    draw no more faults after so long, and judge what happened until then
  --json         one JSON object instead of a table
  --keep         leave the data for a look; what went wrong always does
  --write        put the table into docs/reliability.md

  DATABASE_URL_CHAOS   an empty database to use instead of an embedded one; PostgreSQL is not killed then

A full disk takes Linux and root, who may mount a small one. Exit codes: 0 nothing wrong, 1 something, 2 wrong use.
`

const options = {
  commands: { type: 'string', default: '500000' },
  faults: { type: 'string', default: '128' },
  seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
  minutes: { type: 'string' },
  json: { type: 'boolean', default: false },
  keep: { type: 'boolean', default: false },
  write: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

/** Returns the exit code. */
async function main(): Promise<number> {
  const values = parsed(options)
  if (values.help) {
    process.stdout.write(USAGE)
    return 0
  }
  const note = (line: string): void => void process.stderr.write(`${line}\n`)
  note(`seed ${values.seed}`)
  const faults = whole('faults', values.faults)
  const result = await chaos({
    commands: whole('commands', values.commands),
    kinds: allFaults,
    draw: (random) => schedule(faults, random, 'share'),
    engines: 2,
    seed: whole('seed', values.seed),
    ...(values.minutes === undefined ? {} : { minutes: whole('minutes', values.minutes) }),
    isShort: false,
    databaseUrl: process.env['DATABASE_URL_CHAOS'],
    keep: values.keep,
    stop: stopSignal(),
    note,
  })
  const report = reportOf(result)
  process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : report)
  if (values.write) writeReport(report)
  for (const finding of [...result.problems, ...result.findings]) note(finding)
  if (result.folder !== undefined) {
    note(`the data are kept: SALDO_DATA_DIR=${result.folder}/data npx saldo verify`)
  }
  return result.problems.length + result.findings.length === 0 ? 0 : 1
}

await runAsMain(main, USAGE)
