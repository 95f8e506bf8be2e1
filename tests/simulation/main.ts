/** `npm run test:sim`: many seeds, or one of them again. */
import { inspect, parseArgs } from 'node:util'
import { firstFailure, shrunk } from './run-seeds.ts'

const HELP = `npm run test:sim -- [options]

Simulates partitions whose owners fail in every way, one scenario for every seed.

  --seeds N    how many seeds (1000)
  --from N     the first of them; chosen by chance unless it is said
  --seed N     this one again, and then a smaller one that fails too
  --shrink S   seconds to spend on the smaller one (30)

Exit code 0: every promise was kept. 1: a seed breaks one; it is printed. 2: wrong use.
`
const REPORT_EVERY_MS = 5_000
const SEED_MAX = 2 ** 31 - 1

const options = {
  seeds: { type: 'string', default: '1000' },
  from: { type: 'string' },
  seed: { type: 'string' },
  shrink: { type: 'string', default: '30' },
  help: { type: 'boolean', default: false },
} as const

async function main(): Promise<number> {
  const { values } = parseArgs({ options })
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  if (values.seed !== undefined)
    return replay(whole('seed', values.seed), whole('shrink', values.shrink))
  const seeds = whole('seeds', values.seeds)
  const chosen = Math.floor(Math.random() * (SEED_MAX - seeds))
  return search(values.from === undefined ? chosen : whole('from', values.from), seeds)
}

async function search(from: number, seeds: number): Promise<number> {
  const begun = performance.now()
  const seconds = (): string => ((performance.now() - begun) / 1000).toFixed(0)
  say(`seeds ${from} to ${from + seeds - 1}`)
  let reported = begun
  const found = await firstFailure(from, seeds, (done) => {
    if (performance.now() - reported < REPORT_EVERY_MS) return
    reported = performance.now()
    say(`${done} of ${seeds} seeds in ${seconds()} s`)
  })
  if (found === undefined) {
    say(`${seeds} seeds in ${seconds()} s: every promise was kept`)
    return 0
  }
  say(`seed ${found.seed} fails after ${found.seed - from + 1} seeds, ${seconds()} s:`)
  for (const problem of found.problems) say(`  ${problem}`)
  say(`again, and smaller: npm run test:sim -- --seed ${found.seed}`)
  return 1
}

async function replay(seed: number, shrinkSeconds: number): Promise<number> {
  const found = await firstFailure(seed, 1)
  if (found === undefined) {
    say(`seed ${seed}: every promise was kept`)
    return 0
  }
  for (const problem of found.problems) say(problem)
  if (shrinkSeconds > 0) say(inspect(await shrunk(seed, shrinkSeconds * 1000), { depth: null }))
  return 1
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

function whole(name: string, text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isInteger(value) && value >= 0) return value
  throw new TypeError(`--${name} must be a whole number, got "${text}"`)
}

try {
  process.exitCode = await main()
} catch (error) {
  if (!(error instanceof TypeError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 2
}
