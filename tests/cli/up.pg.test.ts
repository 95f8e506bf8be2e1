import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { demoHouseholds } from '../../connectors/demo/households.ts'
import { formatMinor } from '../../schemas/money.ts'
import { withDataFolder, type DataFolder, type SaldoProcess } from '../support/saldo-process.ts'

const LIMIT_MS = 180_000

/** Resolves when the last line is printed. */
async function upAt(folder: DataFolder, ...args: readonly string[]): Promise<SaldoProcess> {
  const engine = folder.start(['up', ...args], { limitMs: LIMIT_MS })
  await engine.line(/^Ctrl-C stops it/)
  return engine
}

describe('saldo up', () => {
  const folder = withDataFolder()

  test(
    'the first start shows a demo, and what it prints answers',
    async () => {
      const engine = await upAt(folder)
      const command = await engine.line(/npx saldo token/)
      const [, ...words] = /saldo (token --user [-\w]+)/.exec(command) ?? []
      const token = (await folder.run(words.join(' ').split(' '))).stdout
      const accounts = await answerOf(await engine.line(/curl .*\/v1\/accounts/), token)
      expect(accounts).toMatchObject({ accounts: [{ currency: 'NOK', status: 'open' }, {}, {}] })
      const spending = await answerOf(await engine.line(/curl .*\/v1\/spending/), token)
      expect(spending).toMatchObject({ spending: expect.any(Array) })
      for (const line of await Promise.all(
        [/health:/, /^ {2}actors/, /^ {2}tables/].map((p) => engine.line(p)),
      )) {
        for (const [url] of line.matchAll(/http:\S+\/(?:metrics|ready)/g)) {
          expect((await fetch(url)).status).toBe(200)
        }
      }
      const { code, stderr } = await engine.kill('SIGINT')
      expect(stderr).toMatch(/demo: a year of some households 100 %[^]*draining[^]*stopped$/)
      expect(code).toBe(0)
    },
    LIMIT_MS,
  )

  test(
    'the second start goes on without a second demo, and a signal that npm repeats does not cut its drain',
    async () => {
      const before = await eventsOf(folder)
      const engine = await upAt(folder)
      await engine.line(/demo {6}4 households/)
      process.kill(engine.pid, 'SIGINT')
      const { code, stderr } = await engine.kill('SIGTERM')
      expect(stderr).toMatch(/draining[^]*stopped$/)
      expect(stderr).not.toContain('demo:')
      expect(code).toBe(0)
      expect(await eventsOf(folder)).toBe(before)
    },
    LIMIT_MS,
  )
})

describe('a demo that is killed', () => {
  const folder = withDataFolder()

  test(
    'in the middle of its publication has the numbers of an undisturbed one after the next start',
    async () => {
      const first = folder.start(['up'], { limitMs: LIMIT_MS })
      await first.line(/demo: .* 10 %/)
      expect((await first.kill('SIGKILL')).code).toBeNull()
      // However far it came by then: the worst is that all of it is in the log and the note of it is not.
      const file = join(folder.path, 'demo.json')
      const plan = JSON.parse(await readFile(file, 'utf8')) as { seed: number; endOn: string }
      await writeFile(file, JSON.stringify({ ...plan, published: false }))

      const second = await upAt(folder)
      expect((await second.kill('SIGINT')).stderr).toContain('100 %')
      const expected = balancesOf(plan)
      for (const [userId, accounts] of expected) {
        const { stdout } = await folder.run(['state', '--user', userId, '--json'])
        const state = JSON.parse(stdout) as { accounts: { accountId: string; balance: string }[] }
        const found = state.accounts.map(({ accountId, balance }) => [accountId, balance])
        expect(Object.fromEntries(found)).toEqual(Object.fromEntries(accounts))
      }
      const verified = await folder.run(['verify', '--json'])
      expect(JSON.parse(verified.stdout)).toMatchObject({ ledgers: expected.size, differences: 0 })
    },
    LIMIT_MS,
  )
})

describe('saldo up --no-demo', () => {
  const folder = withDataFolder()

  test(
    'starts empty, and takes the next port when the wanted one is taken',
    async () => {
      const other = createServer()
      await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
      const { port } = other.address() as AddressInfo
      try {
        const settings = { SALDO_PORT: String(port) }
        const engine = folder.start(['up', '--no-demo'], { settings })
        const line = await engine.line(/^ {2}API/)
        const [, taken] = /127\.0\.0\.1:(\d+)\/v1/.exec(line) ?? []
        expect(Number(taken)).toBeGreaterThan(port)
        expect((await fetch(`http://127.0.0.1:${taken}/health/live`)).status).toBe(200)
        const { code, stdout } = await engine.kill('SIGTERM')
        expect(stdout).not.toContain('demo')
        expect(existsSync(join(folder.path, 'demo.json'))).toBe(false)
        expect(code).toBe(0)
      } finally {
        other.close()
      }
    },
    LIMIT_MS,
  )
})

/** Follows a printed curl line as a shell would. */
async function answerOf(curl: string, token: string): Promise<unknown> {
  const [, url = ''] = /(http:[^"\s]+)/.exec(curl) ?? []
  expect(curl.trim()).toMatch(/^curl -H "Authorization: Bearer \$TOKEN" /)
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
  expect(response.status).toBe(200)
  return response.json()
}

async function eventsOf(folder: DataFolder): Promise<number> {
  const { stdout } = await folder.run(['verify', '--json'])
  return (JSON.parse(stdout) as { events: number }).events
}

type Plan = { readonly seed: number; readonly endOn: string }

/** Decimal balances by user and account, summed from what the demo is made of. */
function balancesOf(plan: Plan): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const sums = new Map<
    string,
    { readonly userId: string; readonly currency: string; minor: bigint }
  >()
  for (const item of demoHouseholds(plan)) {
    if (item.kind === 'open-account') {
      const { userId, currency } = item
      sums.set(item.accountId, { userId, currency, minor: 0n })
    } else if (item.kind === 'transaction') {
      const account = sums.get(item.accountId)
      if (account !== undefined) account.minor += item.amountMinor
    }
  }
  const users = new Map<string, Map<string, string>>()
  for (const [accountId, { userId, currency, minor }] of sums) {
    const accounts = users.get(userId) ?? new Map<string, string>()
    users.set(userId, accounts.set(accountId, formatMinor(minor, currency)))
  }
  return users
}
