/** Benches by name. JSON lines go to standard output, everything else to standard error. */
import { parseArgs, type ParseArgsConfig } from 'node:util'
import { reportOf } from './report.ts'

const USAGE = `npm run bench -- <name> [options]

  engine   commands → events → tables, end to end, with a peer and the cost of each stage
             --commands N  commands to preload (200000)
             --users U     ledgers they are of (10000)
             --runs R      measured runs, each in a fresh database (3)
  codec    encode, decode, seal, open and hash, on one core
             --runs R      (5)
  latency  from appending a command to its row being visible, at a steady rate
             --rate N      commands per second (1000)
             --seconds S   (20)
             --users U     (10000)
             --runs R      (3)

  takeover from the lease of a killed owner to the first new event, behind a long history
             --events N    events of history (1000000)
             --users U     ledgers they are of (100000)
             --runs R      kills (5)

  api      requests per second, answer times and freshness of the query API while the engine ingests
             --transactions N  rows to ask about (5000000)
             --users U     (5000)
             --rate N      commands per second meanwhile (1000)
             --seconds S   of each route (20)

  memory   what the engine's process holds after work, what it uses while idle, what a loaded ledger costs
             --commands N  (200000)
             --users U     (10000)
             --seconds S   of idleness (20)
  figures  balances and views, of a user with very many transactions
             --runs R      (20)
  soak     a steady rate for long: memory, WAL and bytes per command must not grow
             --rate N      commands per second (1000)
             --minutes M   (60)
             --users U     (10000)

  compression  what TimescaleDB's columnstore saves on the archives of events, by how rows are put together
             --commands N  (200000)
             --users U     (10000)

  --json-only  no progress on standard error

Exit codes: 0 done, 1 a sum or a count was wrong or something grew, 2 wrong use.
`

const options = {
  commands: { type: 'string', default: '200000' },
  users: { type: 'string' },
  runs: { type: 'string' },
  transactions: { type: 'string', default: '5000000' },
  events: { type: 'string', default: '1000000' },
  rate: { type: 'string', default: '1000' },
  minutes: { type: 'string', default: '60' },
  seconds: { type: 'string', default: '20' },
  'json-only': { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const satisfies ParseArgsConfig['options']

/** Returns the exit code. */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ options, allowPositionals: true })
  if (values.help) {
    process.stderr.write(USAGE)
    return 0
  }
  const report = reportOf({ quiet: values['json-only'] })
  const [name, ...others] = positionals
  if (others.length > 0) return misuse(`one bench at a time, not also "${others.join(' ')}"`)
  switch (name) {
    case 'engine': {
      const commands = whole('commands', values.commands)
      const users = whole('users', values.users ?? '10000')
      const runs = whole('runs', values.runs ?? '3')
      const { engine } = await import('./engine.ts')
      return (await engine({ commands, users, runs }, report)) ? 0 : 1
    }
    case 'codec': {
      const { codec } = await import('./codec.ts')
      codec(whole('runs', values.runs ?? '5'), report)
      return 0
    }
    case 'figures': {
      const { figures } = await import('./figures.ts')
      const runs = whole('runs', values.runs ?? '20')
      await figures({ transactions: 100_000, others: 400_000, runs }, report)
      return 0
    }
    case 'api': {
      const { api } = await import('./api.ts')
      const isClean = await api(
        {
          transactions: whole('transactions', values.transactions),
          users: whole('users', values.users ?? '5000'),
          rate: whole('rate', values.rate),
          seconds: whole('seconds', values.seconds),
        },
        report,
      )
      return isClean ? 0 : 1
    }
    case 'takeover': {
      const { takeover } = await import('./takeover.ts')
      await takeover(
        {
          events: whole('events', values.events),
          users: whole('users', values.users ?? '100000'),
          runs: whole('runs', values.runs ?? '5'),
        },
        report,
      )
      return 0
    }
    case 'memory': {
      const { memory } = await import('./memory.ts')
      await memory(
        {
          commands: whole('commands', values.commands),
          users: whole('users', values.users ?? '10000'),
          idleSeconds: whole('seconds', values.seconds),
        },
        report,
      )
      return 0
    }
    case 'compression': {
      const commands = whole('commands', values.commands)
      const users = whole('users', values.users ?? '10000')
      const { compression } = await import('./compression.ts')
      return (await compression({ commands, users }, report)) ? 0 : 1
    }
    case 'soak': {
      const { soak } = await import('./soak.ts')
      const steady = await soak(
        {
          rate: whole('rate', values.rate),
          minutes: whole('minutes', values.minutes),
          users: whole('users', values.users ?? '10000'),
        },
        report,
      )
      return steady ? 0 : 1
    }
    case 'latency': {
      const { latency } = await import('./latency.ts')
      await latency(
        {
          rate: whole('rate', values.rate),
          seconds: whole('seconds', values.seconds),
          users: whole('users', values.users ?? '10000'),
          runs: whole('runs', values.runs ?? '3'),
        },
        report,
      )
      return 0
    }
    case undefined:
      return misuse('which bench?')
    default:
      return misuse(`there is no bench "${name}"`)
  }
}

class Misuse extends Error {}

function whole(name: string, text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new Misuse(`--${name} must be a whole number from 1, got "${text}"`)
}

function misuse(problem: string): number {
  process.stderr.write(`${problem}\n\n${USAGE}`)
  return 2
}

function isMisuse(error: unknown): error is Error {
  return (
    error instanceof Misuse ||
    (error instanceof TypeError &&
      'code' in error &&
      String(error.code).startsWith('ERR_PARSE_ARGS'))
  )
}

try {
  process.exitCode = await main()
} catch (error) {
  if (!isMisuse(error)) throw error
  process.exitCode = misuse(error.message)
}
