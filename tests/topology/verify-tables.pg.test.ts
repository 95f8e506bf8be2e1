import { expect, test } from 'vitest'
import type { Output } from '../../cli/output.ts'
import { runVerify } from '../../cli/verify.ts'
import { CLEAN, elsewhere, judged, one, withRun } from '../support/damaged-run.ts'
import { describePostgres } from '../support/postgres.ts'

describePostgres('verify finds in tables', (database) => {
  const run = withRun(database)

  test('a balance that is off by one, and says by how much', async () => {
    const { rows } = await run.admin.query<{
      user_id: string
      account_id: string
      balance: string
    }>(
      'SELECT user_id, account_id, balance_minor::text AS balance FROM accounts ORDER BY 1, 2 LIMIT 1',
    )
    const { user_id = '', account_id = '', balance = '' } = rows[0] ?? {}
    await run.damage(
      'UPDATE accounts SET balance_minor = balance_minor + 1 WHERE user_id = $1 AND account_id = $2',
      [user_id, account_id],
    )
    const { differences } = await judged(database.url)
    expect(differences).toEqual([
      {
        what: 'accounts',
        problem: 'differs',
        partition: expect.any(Number),
        userId: user_id,
        key: { account_id },
        columns: ['balance_minor'],
        expected: { balance_minor: balance },
        found: { balance_minor: String(BigInt(balance) + 1n) },
      },
    ])
  })

  test.for([
    [
      'a text that is another one, without saying it',
      one('transactions', `description = 'Secret'`),
      { problem: 'differs', columns: ['description'], expected: {}, found: {} },
    ],
    [
      'an amount that is not whole',
      one('transactions', 'amount_minor = 0.5'),
      { problem: 'differs', columns: ['amount_minor'], found: { amount_minor: '0.5' } },
    ],
    [
      'a total of a day',
      one('daily_aggregates', 'total_minor = total_minor - 1'),
      { problem: 'differs', columns: ['total_minor'] },
    ],
    [
      'archived bytes',
      one('events', `event = '\\x00'`),
      { problem: 'differs', columns: ['event'] },
    ],
    [
      'what an archived event can be found by',
      one('events', `event_type = 'AccountClosed', version = 9`),
      { problem: 'differs', columns: ['version', 'event_type'] },
    ],
    [
      'a row of a history',
      one('transaction_events', `type = 'updated', confidence = 0.25, personal = '\\x00'`),
      {
        what: 'transaction_events',
        problem: 'differs',
        columns: expect.arrayContaining(['confidence', 'personal']),
      },
    ],
    [
      'a change of a balance',
      one('balance_history', 'change_minor = change_minor + 1'),
      { what: 'balance_history', problem: 'differs', columns: ['change_minor'] },
    ],
    [
      'another answer',
      one('command_outcomes', `verdict = 'parked'`),
      { problem: 'differs', columns: ['verdict'] },
    ],
    [
      'a row that is missing',
      'DELETE FROM transactions WHERE ctid = (SELECT min(ctid) FROM transactions)',
      { what: 'transactions', problem: 'missing' },
    ],
    [
      'an archived event that is missing',
      `DELETE FROM events WHERE user_id = 'user-2' AND sequence = 2`,
      { what: 'events', problem: 'missing', userId: 'user-2', key: { sequence: '2' } },
    ],
    [
      'a row too many',
      `INSERT INTO daily_aggregates VALUES ('user-1', '2020-02-29', 'health', 'NOK', 1, 1)`,
      {
        what: 'daily_aggregates',
        problem: 'extra',
        key: { booked_on: '2020-02-29', category_id: 'health', currency: 'NOK' },
      },
    ],
    [
      'a row of a ledger that the log does not know',
      `INSERT INTO daily_aggregates VALUES ('stranger', '2020-02-29', 'health', 'NOK', 1, 1)`,
      { problem: 'extra', userId: 'stranger' },
    ],
    [
      'progress beyond the end of the log',
      `UPDATE progress SET next_offset = next_offset + 1000 WHERE consumer = 'tables:accounts' AND partition = 0`,
      { what: 'progress', problem: 'not-reachable', key: { consumer: 'tables:accounts' } },
    ],
  ] as const)('%s', async ([, sql, expected]) => {
    await run.damage(sql)
    const { differences } = await judged(database.url)
    expect(differences).toEqual([expect.objectContaining(expected)])
  })

  test('an event that one table has not folded and says it has', async () => {
    await run.damage(
      `UPDATE progress SET next_offset = next_offset - 5 WHERE consumer = 'tables:transactions'`,
    )
    const { differences } = await judged(database.url)
    expect(new Set(differences.map(({ what }) => what))).toEqual(new Set(['transactions']))
  })

  test.for([[true], [false]] as const)(
    'and prints no value unless asked to (json: %s)',
    async ([json]) => {
      await run.damage(one('accounts', 'balance_minor = 987654321'))
      const results: string[] = []
      const notes: string[] = []
      const code = await ranVerify(database.url, json, {
        result: (line) => void results.push(line),
        note: (line) => void notes.push(line),
        flushed: () => Promise.resolve(),
      })
      expect(code).toBe(1)
      expect(results).toHaveLength(1)
      if (json) {
        expect(notes).toEqual([])
        expect(JSON.parse(results[0] ?? '')).toMatchObject({
          ledgers: 3,
          differences: 1,
          details: [{ what: 'accounts', found: { balance_minor: '987654321' } }],
        })
      } else {
        expect(notes).toEqual([expect.stringMatching(/^accounts differs at .*: balance_minor$/)])
        expect([...notes, ...results].join()).not.toContain('987654321')
      }
    },
  )

  test('texts of an erased user that are still readable, and nothing once they are gone', async () => {
    await run.damage(
      `UPDATE subject_keys SET wrapped = NULL, shredded_at = now() WHERE user_id = 'user-1'`,
    )
    const { differences } = await judged(database.url)
    const texts = ['name', 'description', 'merchant', 'counterparty', 'note']
    expect(differences.length).toBeGreaterThan(0)
    for (const { userId, columns } of differences) {
      expect(userId).toBe('user-1')
      expect(texts).toEqual(expect.arrayContaining([...columns]))
    }
    for (const table of ['accounts', 'transactions', 'categories', 'budget_status']) {
      await run.admin.query(`DELETE FROM ${table} WHERE user_id = 'user-1'`)
    }
    expect(await judged(database.url)).toMatchObject(CLEAN)
  })
})

function ranVerify(databaseUrl: string, json: boolean, out: Output): Promise<number> {
  return elsewhere(databaseUrl, (deps) => runVerify({ databaseUrl, ...deps }, { json }, out))
}
