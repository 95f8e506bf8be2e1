/** `npm run bench:kafka`: starts a broker, PostgreSQL, our engine and the peer, and prints one table. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, type ParseArgsConfig } from 'node:util'
import { openAdmin } from './bench.ts'
import { startBenchBroker } from './broker.ts'
import { endChildrenWithUs, prepareJava } from './java.ts'
import { tableOf } from './table.ts'
import { PARTS, runParts, type Part, type Sizes } from './parts.ts'

const USAGE = `npm run bench:kafka -- [options]

  --commands N      commands of a throughput run (2500000); the other parts are sized by it
  --users U         ledgers they are of (10000)
  --runs R          of each figure, engines in turn (3)
  --only PARTS      of ${PARTS.join(', ')}; separated by commas (all)
  --partitions P    of throughput and latency (4); scale and idle have 12
  --rates A,B       commands per second of latency (2000,10000; in the small form 2000)
  --seconds S       that latency and idleness are measured for (20; in the small form 4)
  --history N       commands behind a take-over (the same as --commands)
  --ledgers L       they are of (a tenth of them)
  --json            one JSON line per figure, as the other benches print

Below a million commands it takes the small form: fewer engines, rates and processes, to see that it runs.
Needs Java 17, and Maven on the first use. Exit codes: 0 done, 1 a count was wrong, 2 wrong use.
`

const options = {
  commands: { type: 'string', default: '2500000' },
  users: { type: 'string', default: '10000' },
  runs: { type: 'string', default: '3' },
  only: { type: 'string', default: PARTS.join(',') },
  partitions: { type: 'string', default: '4' },
  rates: { type: 'string' },
  seconds: { type: 'string' },
  history: { type: 'string' },
  ledgers: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const satisfies ParseArgsConfig['options']

/** Below it the bench takes the small form. */
const FULL_COMMANDS = 1_000_000

class Misuse extends Error {}

function whole(name: string, text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new Misuse(`--${name} must be a whole number from 1, got "${text}"`)
}

function partsOf(text: string): readonly Part[] {
  return text.split(',').map((name) => {
    const part = PARTS.find((one) => one === name)
    if (part === undefined) throw new Misuse(`--only has no "${name}"`)
    return part
  })
}

/** Returns the exit code. */
async function main(): Promise<number> {
  const { values } = parseArgs({ options })
  if (values.help) {
    process.stdout.write(USAGE)
    return 0
  }
  const commands = whole('commands', values.commands)
  const isSmall = commands < FULL_COMMANDS
  const history = whole('history', values.history ?? values.commands)
  const sizes: Sizes = {
    commands,
    users: Math.min(commands, whole('users', values.users)),
    runs: whole('runs', values.runs),
    partitions: whole('partitions', values.partitions),
    rates: (values.rates ?? (isSmall ? '2000' : '2000,10000'))
      .split(',')
      .map((rate) => whole('rates', rate)),
    seconds: whole('seconds', values.seconds ?? (isSmall ? '4' : '20')),
    isSmall,
    history,
    ledgers: whole('ledgers', values.ledgers ?? `${Math.ceil(history / 10)}`),
  }
  const parts = partsOf(values.only)
  return (await withBench(values.json, sizes, parts)) ? 0 : 1
}

async function withBench(json: boolean, sizes: Sizes, parts: readonly Part[]): Promise<boolean> {
  endChildrenWithUs()
  const { commands, users, runs, history, ledgers } = sizes
  const table = tableOf(json, { commands, users, runs, history, ledgers })
  const java = await prepareJava(table.note)
  const folder = await mkdtemp(join(tmpdir(), 'saldo-bench-kafka-'))
  try {
    table.note('starting a broker')
    const broker = await startBenchBroker(java, join(folder, 'broker'))
    try {
      const admin = await openAdmin(broker.address)
      let names = 0
      const nextName = (): string => `bench-${++names}`
      const { given } = table
      const bench = { java, broker, admin, folder, report: table, given, nextName }
      const correct = await runParts(bench, parts, sizes)
      await admin.disconnect()
      table.print()
      return correct
    } finally {
      await broker.stop()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

try {
  process.exitCode = await main()
} catch (error) {
  const isMisuse =
    error instanceof Misuse ||
    (error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE'))
  if (!isMisuse) throw error
  process.stderr.write(`${error.message}\n\n${USAGE}`)
  process.exitCode = 2
}
