import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startSaldo, type Ended, type Settings } from '../support/saldo-process.ts'

/** What is wrong is told in one sentence and with its exit code, before anything is made or started. */
let parent: string
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'saldo-wrong-use-'))
})
afterAll(() => rm(parent, { recursive: true, force: true }))

function run(args: readonly string[], settings: Settings = {}): Promise<Ended> {
  const SALDO_DATA_DIR = join(parent, 'data')
  return startSaldo(args, { settings: { SALDO_DATA_DIR, ...settings } }).ended
}

const verbs = [
  'up',
  'run',
  'send',
  'import',
  'events',
  'state',
  'unpark',
  'dlq',
  'verify',
  'topology',
  'migrate',
  'token',
] as const

const importing = (...more: readonly string[]) => [
  'import',
  'tests/fixtures/import/generic.csv',
  '--user',
  'u',
  '--account',
  'a',
  ...more,
]

/** Line by line: what was typed, and what the first line of stderr says of it. */
const wrongUses: readonly (readonly [readonly string[], string])[] = [
  [['nonsense'], "error: unknown command 'nonsense'"],
  [['up', '--nonsense'], "error: unknown option '--nonsense'"],
  [['run'], "error: missing required argument 'role'"],
  [
    ['run', 'nonsense'],
    "error: command-argument value 'nonsense' is invalid for argument 'role'. Allowed choices are",
  ],
  [['topology', 'nonsense'], "error: too many arguments for 'topology'"],
  [['state'], "error: required option '--user <id>' not specified"],
  [['state', '--user', 'not an id'], '--user must be 1 to 64 letters'],
  [
    ['state', '--user', 'u', '--at', '0'],
    '--at must be a sequence, a whole number from 1, got "0"',
  ],
  [['state', '--user', 'u', '--at', '1.5'], '--at must be a sequence'],
  [['unpark'], "error: required option '--user <id>' not specified"],
  [['unpark', '--user', 'not an id'], '--user must be 1 to 64 letters'],
  [['dlq', 'nonsense'], "error: unknown command 'nonsense'"],
  [['dlq', 'replay'], "error: missing required argument 'address'"],
  [['dlq', 'show', '7'], 'an address is PARTITION/OFFSET, as saldo dlq list prints it, got "7"'],
  [['dlq', 'drop', '0/1', '0/-1'], 'an address is PARTITION/OFFSET'],
  [['events', '--user', ''], '--user must be 1 to 64 letters'],
  [['token', '--user', 'u', '--expires', 'soon'], '--expires must be a time such as 90s'],
  [['migrate', '--to', 'newest'], '--to must be a version, a whole number, got "newest"'],
  [['send', 'absent.jsonl'], 'there is no file "absent.jsonl"'],
  [['send', tmpdir()], `there is no file "${tmpdir()}"`],
  [importing(), "error: required option '--profile <name>' not specified"],
  [importing('--profile', 'nonsense'), "option '--profile <name>' argument 'nonsense' is invalid"],
  [
    ['import', 'absent.csv', '--user', 'u', '--account', 'a', '--profile', 'dnb'],
    'there is no file',
  ],
]

describe('wrong use', () => {
  test.each(wrongUses)('saldo %j ends with 2: %s', async (args, sentence) => {
    const { code, stdout, stderr } = await run(args)
    expect(stderr.split('\n')[0]).toContain(sentence)
    expect(stderr).not.toMatch(/^ +at /m)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  })

  test('nothing of it has made a data folder', () => {
    expect(existsSync(join(parent, 'data'))).toBe(false)
  })
})

describe('wrong configuration', () => {
  test('every problem is told at once, with exit code 2', async () => {
    const { code, stderr } = await run(['up'], {
      SALDO_PORT: 'x',
      SALDO_PARTITIONS: '0',
      SALDO_LOG_LEVEL: 'loud',
    })
    expect(stderr).toContain('SALDO_PORT must be')
    expect(stderr).toContain('SALDO_PARTITIONS must be')
    expect(stderr).toContain('SALDO_LOG_LEVEL must be')
    expect(stderr).not.toMatch(/^ +at /m)
    expect(code).toBe(2)
  })

  test('production without secrets is refused by every verb that uses them', async () => {
    for (const args of [['up'], ['verify'], ['token', '--user', 'u']]) {
      const { code, stderr } = await run(args, { SALDO_ENV: 'production' })
      expect(stderr).toContain(
        'SALDO_JWT_SECRET, SALDO_JWKS_URL or SALDO_JWKS_FILE must be set in production',
      )
      expect(code).toBe(2)
    }
    expect(existsSync(join(parent, 'data'))).toBe(false)
  })

  test('a data folder that cannot be made ends with 2 and names the setting', async () => {
    const file = join(parent, 'a-file')
    await writeFile(file, '')
    const { code, stderr } = await run(['token', '--user', 'u'], {
      SALDO_DATA_DIR: join(file, 'data'),
    })
    expect(stderr).toMatch(/^saldo: the data folder .* cannot be made: set SALDO_DATA_DIR/)
    expect(code).toBe(2)
  })

  test('a database that does not answer ends with 3', async () => {
    const file = join(parent, 'one.jsonl')
    await writeFile(file, '{}\n')
    for (const args of [['up'], ['verify'], ['migrate'], ['send', file]]) {
      const { code, stderr } = await run(args, { DATABASE_URL: 'postgresql://127.0.0.1:1/saldo' })
      expect(stderr).toMatch(
        /^saldo: the database cannot be reached: .*\(SALDO_DATABASE_UNAVAILABLE\)$/,
      )
      expect(code).toBe(3)
    }
  })
})

describe('help', () => {
  test('lists every verb and the exit codes', async () => {
    const { code, stdout } = await run(['--help'])
    for (const verb of verbs) expect(stdout).toMatch(new RegExp(`^ {2}${verb} `, 'm'))
    expect(stdout).toContain('Exit codes: 0 done, 1 a difference')
    expect(code).toBe(0)
  })

  test.each(verbs)('saldo %s --help says what it does and ends with 0', async (verb) => {
    const { code, stdout, stderr } = await run([verb, '--help'])
    expect(stdout).toMatch(new RegExp(`^Usage: saldo ${verb} `))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })
})
