/** `npm run test:mutants`: breaks a copy of the sources in every way that is listed, and shows who sees it. */
import { spawn } from 'node:child_process'
import { parseArgs } from 'node:util'
import { mutants, type Mutant } from './mutants.ts'
import { copySources, type SourceCopy } from './source-copy.ts'

const HELP = `npm run test:mutants -- [options]

Applies one fault after the other to a copy of the sources, and runs the simulation, or the suite that is named for
what a simulation cannot see, until it fails. At the end the same runs on the sources as they are must not fail.

  --only NAME   only this one; may be repeated
  --seeds N     seeds of the simulation before a mutant counts as survived (2000)

Exit code 0: every mutant was seen. 1: one survived, or the sources as they are fail. 2: wrong use.
`
const LIMIT_MS = 20 * 60_000
const options = {
  only: { type: 'string', multiple: true },
  seeds: { type: 'string', default: '2000' },
  help: { type: 'boolean', default: false },
} as const

type Verdict =
  | { readonly kind: 'caught'; readonly seeds: number }
  | { readonly kind: 'survived' }
  | { readonly kind: 'broken'; readonly output: string }

async function main(): Promise<number> {
  const { values } = parseArgs({ options })
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  const chosen = values.only === undefined ? mutants : values.only.map(named)
  const seeds = Number(values.seeds)
  if (!Number.isInteger(seeds) || seeds < 1) {
    throw new TypeError(`--seeds must be a whole number above 0, got "${values.seeds}"`)
  }
  const copy = copySources()
  try {
    const unseen = await judgeAll(copy, chosen, seeds)
    if (unseen === 0) return 0
    say(`${unseen} of ${chosen.length} mutants were not seen`)
    return 1
  } finally {
    copy.remove()
  }
}

async function judgeAll(
  copy: SourceCopy,
  chosen: readonly Mutant[],
  seeds: number,
): Promise<number> {
  let unseen = 0
  let seedsMax = 0
  say(row('mutation', 'caught by', 'seeds', 's'))
  for (const mutant of chosen) {
    const begun = performance.now()
    const verdict = await copy.broken(mutant, () => runFor(mutant, copy, seeds))
    const seconds = ((performance.now() - begun) / 1000).toFixed(0)
    const by = mutant.seenBy?.suite ?? 'simulation'
    if (verdict.kind === 'caught') {
      seedsMax = Math.max(seedsMax, verdict.seeds)
      say(row(mutant.name, by, verdict.seeds === 0 ? '' : `${verdict.seeds}`, seconds))
    } else {
      unseen++
      say(row(mutant.name, verdict.kind === 'survived' ? 'NOBODY' : 'DOES NOT RUN', '', seconds))
      if (verdict.kind === 'broken') say(verdict.output)
    }
  }
  for (const { suite, because } of chosen.flatMap(({ seenBy }) => seenBy ?? [])) {
    say(`  ${suite}: ${because}`)
  }
  const suites = new Set(chosen.flatMap(({ seenBy }) => seenBy?.suite ?? []))
  const sound = [
    ...(seedsMax === 0 ? [] : [await simulate(copy, seedsMax)]),
    ...(suites.size === 0 ? [] : [await runSuites(copy, [...suites])]),
  ]
  const isSound = sound.every(({ kind }) => kind === 'survived')
  say(`the sources as they are: ${isSound ? 'no fault' : 'FAIL'} with as many seeds`)
  return isSound ? unseen : unseen + 1
}

function runFor({ seenBy }: Mutant, copy: SourceCopy, seeds: number): Promise<Verdict> {
  return seenBy === undefined ? simulate(copy, seeds) : runSuites(copy, [seenBy.suite])
}

async function simulate(copy: SourceCopy, seeds: number): Promise<Verdict> {
  const { code, output } = await run(copy, [
    'tests/simulation/main.ts',
    '--from',
    '1',
    '--seeds',
    `${seeds}`,
  ])
  const found = /^seed \d+ fails after (\d+) seeds/m.exec(output)
  if (code === 1 && found !== null) return { kind: 'caught', seeds: Number(found[1]) }
  return code === 0 ? { kind: 'survived' } : { kind: 'broken', output }
}

async function runSuites(copy: SourceCopy, suites: readonly string[]): Promise<Verdict> {
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--bail', '1', ...suites]
  const { code, output } = await run(copy, vitest)
  if (code === 1 && /\d+ failed/.test(output)) return { kind: 'caught', seeds: 0 }
  return code === 0 ? { kind: 'survived' } : { kind: 'broken', output }
}

function run(
  { folder }: SourceCopy,
  args: readonly string[],
): Promise<{ readonly code: number | null; readonly output: string }> {
  const child = spawn(process.execPath, args, { cwd: folder, timeout: LIMIT_MS })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => {
      output += data.toString()
    })
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, output }))
  })
}

function named(name: string): Mutant {
  const found = mutants.find((mutant) => mutant.name === name)
  if (found !== undefined) return found
  throw new TypeError(
    `no mutant "${name}"; there are:\n${mutants.map((mutant) => `  ${mutant.name}`).join('\n')}`,
  )
}

function row(name: string, by: string, seeds: string, seconds: string): string {
  return `${name.padEnd(48)}${by.padEnd(48)}${seeds.padStart(6)}${seconds.padStart(6)}`
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

try {
  process.exitCode = await main()
} catch (error) {
  if (!(error instanceof TypeError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 2
}
