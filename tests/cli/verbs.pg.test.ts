import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { topology } from '../../topology/topology.ts'
import { withDataFolder, type Ended } from '../support/saldo-process.ts'

const user = 'user-1'
const openAccount = {
  commandId: '00000000-0000-4000-8000-000000000001',
  userId: user,
  body: { type: 'OpenAccount', accountId: 'a-1', kind: 'checking', currency: 'NOK', name: 'Daily' },
}
const purchase = {
  commandId: '00000000-0000-4000-8000-000000000002',
  userId: user,
  body: {
    type: 'RecordTransaction',
    transactionId: 't-1',
    accountId: 'a-1',
    amount: '-125.50',
    currency: 'NOK',
    occurredAt: '2026-01-05T12:00:00Z',
    description: 'corner shop',
  },
}
const close = { userId: user, body: { type: 'CloseAccount', accountId: 'a-1' } }

function linesOf(commands: readonly unknown[]): string {
  return commands.map((command) => `${JSON.stringify(command)}\n`).join('')
}

function answersOf({ stdout }: Ended): readonly unknown[] {
  return stdout.split('\n').map((line) => JSON.parse(line) as unknown)
}

/** Each test goes on where the one before ended, as a person would. */
describe('verbs without a running engine', () => {
  const folder = withDataFolder()

  test('send publishes from standard input and does not wait', async () => {
    const { code, stdout, stderr } = await folder.run(['send'], { input: linesOf([openAccount]) })
    expect(stdout).toBe('')
    expect(stderr).toMatch(/^1 command sent$/m)
    expect(code).toBe(0)
    expect((await folder.run(['state', '--user', user])).code).toBe(1)
  })

  test('send --wait runs an engine inside itself until every line of a file is answered', async () => {
    const file = join(folder.path, 'commands.jsonl')
    await writeFile(file, linesOf([openAccount, purchase, purchase]))
    const ended = await folder.run(['send', file, '--wait'])
    expect(answersOf(ended)).toMatchObject([
      { commandId: openAccount.commandId, verdict: 'duplicate', firstSequence: 1 },
      { commandId: purchase.commandId, verdict: 'accepted', firstSequence: 2 },
      { commandId: purchase.commandId, verdict: 'duplicate', firstSequence: 2 },
    ])
    expect(ended.stderr).toContain('3 commands sent and answered')
    expect(ended.code).toBe(0)
  })

  test('a line that is no command is answered as invalid, the others are sent, and it ends with 1', async () => {
    const input = `{bad\n\n${linesOf([{ userId: user, body: { type: 'Nothing' } }, purchase])}`
    const ended = await folder.run(['send', '-', '--wait'], { input })
    expect(answersOf(ended)).toMatchObject([
      { line: 1, verdict: 'invalid', sentence: expect.stringContaining('JSON') as unknown },
      {
        line: 3,
        verdict: 'invalid',
        sentence: expect.stringMatching(/^body\.type: "Nothing" is none of /) as unknown,
      },
      { verdict: 'duplicate' },
    ])
    expect(ended.code).toBe(1)
  })

  test('a command that a rule refuses ends with 1 and is told why', async () => {
    const ended = await folder.run(['send', '--wait'], { input: linesOf([close]) })
    expect(answersOf(ended)).toMatchObject([
      { verdict: 'rejected', path: 'accountId', code: 'balance-not-zero' },
    ])
    expect(ended.code).toBe(1)
  })

  test('events prints what happened, oldest first', async () => {
    const ended = await folder.run(['events', '--user', user])
    expect(answersOf(ended)).toMatchObject([
      { sequence: 1, body: { type: 'AccountOpened' }, personal: { name: 'Daily' } },
      { sequence: 2, body: { type: 'TransactionCreated', amount: '-125.50', currency: 'NOK' } },
    ])
    expect(ended.code).toBe(0)
  })

  test('state shows the ledger now and as it was after an event', async () => {
    const now = await folder.run(['state', '--user', user, '--json'])
    expect(JSON.parse(now.stdout)).toMatchObject({
      sequence: 2,
      accounts: [{ balance: '-125.50' }],
    })
    const then = await folder.run(['state', '--user', user, '--at', '1', '--json'])
    expect(JSON.parse(then.stdout)).toMatchObject({ sequence: 1, accounts: [{ balance: '0.00' }] })
    expect([now.code, then.code]).toEqual([0, 0])
    const future = await folder.run(['state', '--user', user, '--at', '3'])
    expect(future.stderr).toContain(`the ledger of ${user} has 2 events, not 3`)
    expect(future.code).toBe(1)
  })

  test('verify finds no difference', async () => {
    const people = await folder.run(['verify'])
    expect(people.stdout).toBe('ledgers: 1, events: 2, outcomes: 6, differences: 0')
    expect(people.code).toBe(0)
  })

  test('another number of partitions is refused', async () => {
    const { code, stderr } = await folder.run(['verify'], { settings: { SALDO_PARTITIONS: '7' } })
    expect(stderr).toContain('ledger.commands has 4 partitions, not 7')
    expect(code).not.toBe(0)
  })

  test('another master key is refused', async () => {
    const settings = { SALDO_MASTER_KEY: '1'.repeat(64) }
    const { code, stderr } = await folder.run(['state', '--user', user], { settings })
    expect(stderr).toContain('start with the master key the data was written with')
    expect(code).toBe(3)
  })
})

describe('saldo migrate', () => {
  const folder = withDataFolder()

  test('goes up to the newest version, does nothing twice, and goes down and up by --to', async () => {
    const first = await folder.run(['migrate', '--json'])
    const newest = (JSON.parse(first.stdout) as { to: number }).to
    expect(JSON.parse(first.stdout)).toMatchObject({ from: 0, to: newest })
    const again = await folder.run(['migrate'])
    expect(again.stdout).toBe(`nothing to do: the database is at version ${newest}`)
    const down = await folder.run(['migrate', '--to', String(newest - 1)])
    expect(down.stdout).toMatch(new RegExp(`^from version ${newest} to ${newest - 1}: `))
    const up = await folder.run(['migrate', '--to', String(newest), '--json'])
    expect(JSON.parse(up.stdout)).toMatchObject({ from: newest - 1, to: newest })
    const beyond = await folder.run(['migrate', '--to', '999'])
    expect(beyond.stderr).toContain('there is no migration 999')
    expect([first, again, down, up, beyond].map(({ code }) => code)).toEqual([0, 0, 0, 0, 2])
  })
})

describe('verbs that need no database', () => {
  const folder = withDataFolder()

  test('topology prints the engine for people and for programs', async () => {
    const people = await folder.run(['topology'])
    expect(people.stdout).toContain('producers anyone: -> ledger.commands')
    const programs = await folder.run(['topology', '--json'])
    expect(JSON.parse(programs.stdout)).toEqual(topology)
    expect([people.code, programs.code]).toEqual([0, 0])
  })

  test('token prints a token for that user, and nothing else is started for it', async () => {
    const { code, stdout } = await folder.run(['token', '--user', user, '--expires', '30m'])
    const [, payload = ''] = stdout.split('.')
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims
    expect(claims.sub).toBe(user)
    expect(claims.exp - claims.iat).toBe(1800)
    expect(existsSync(join(folder.path, 'postgres'))).toBe(false)
    expect(code).toBe(0)
  })
})

type Claims = { readonly sub: string; readonly iat: number; readonly exp: number }
