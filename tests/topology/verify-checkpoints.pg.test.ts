import { expect, test } from 'vitest'
import type { CheckpointRow } from '../../sink/checkpoint-store.ts'
import { fromCheckpointRow, toCheckpointRow } from '../../topology/state-codec.ts'
import { elsewhere, judged, one, withRun } from '../support/damaged-run.ts'
import { describePostgres } from '../support/postgres.ts'

describePostgres('verify finds in checkpoints', (database) => {
  const run = withRun(database)

  async function checkpoint(stateType: string): Promise<CheckpointRow> {
    const { rows } = await run.admin.query<{ [column: string]: string | Buffer }>(
      'SELECT * FROM actor_checkpoints WHERE state_type = $1 ORDER BY user_id, state_id LIMIT 1',
      [stateType],
    )
    const row = rows[0]
    if (row === undefined) throw new Error(`no checkpoint of a ${stateType}`)
    return {
      userId: String(row['user_id']),
      stateType,
      stateId: String(row['state_id']),
      sequence: Number(row['sequence']),
      version: Number(row['version']),
      state: row['state'] as Buffer,
    }
  }

  /** Seals an account's state again after a change, as a wrong engine would have written it. */
  async function resealed(change: { readonly balance?: bigint; readonly sequence?: number }) {
    const row = await checkpoint('account')
    const key = await elsewhere(database.url, async ({ keys }) =>
      (await keys.existingKeysOf([row.userId])).get(row.userId),
    )
    if (key === undefined || key === 'shredded') throw new Error('no key')
    const loaded = fromCheckpointRow(key, row)
    if (loaded.type !== 'account' || loaded.held.state.status === 'unopened') {
      throw new Error('not an account')
    }
    const { state } = loaded.held
    const { sequence, state: sealed } = toCheckpointRow(key, row.userId, 'account', row.stateId, {
      state: { ...state, balanceMinor: state.balanceMinor + (change.balance ?? 0n) },
      sequence: row.sequence + (change.sequence ?? 0),
      version: row.version,
    })
    await run.damage(
      `UPDATE actor_checkpoints SET sequence = $1, state = $2
       WHERE user_id = $3 AND state_type = 'account' AND state_id = $4`,
      [sequence, sealed, row.userId, row.stateId],
    )
    return { userId: row.userId, key: { state_type: 'account', state_id: row.stateId } }
  }

  test('a wrong balance under a good seal', async () => {
    const place = await resealed({ balance: 1n })
    const { differences } = await judged(database.url)
    expect(differences).toMatchObject([
      { ...place, what: 'actor_checkpoints', columns: ['state.balanceMinor'] },
    ])
  })

  test('one that is ahead of the log', async () => {
    const place = await resealed({ sequence: 1 })
    const { differences } = await judged(database.url)
    expect(differences).toMatchObject([{ ...place, problem: 'differs', columns: ['sequence'] }])
  })

  test.for([
    [
      'progress that is ahead of the log',
      `UPDATE progress SET next_offset = next_offset + 7 WHERE consumer = 'actors:checkpoint' AND partition = 1`,
      {
        what: 'progress',
        problem: 'not-reachable',
        partition: 1,
        key: { consumer: 'actors:checkpoint' },
      },
    ],
    [
      'one that is missing',
      'DELETE FROM actor_checkpoints WHERE ctid = (SELECT min(ctid) FROM actor_checkpoints)',
      { what: 'actor_checkpoints', problem: 'missing' },
    ],
    [
      'one too many',
      `INSERT INTO actor_checkpoints VALUES ('stranger', 'root', 'root', 1, 1, '')`,
      { problem: 'extra', userId: 'stranger' },
    ],
    [
      'one that does not open',
      one('actor_checkpoints', `state = '\\x00'`),
      { problem: 'not-readable', columns: ['state'] },
    ],
  ] as const)('%s', async ([, sql, expected]) => {
    await run.damage(sql)
    const { differences } = await judged(database.url)
    expect(differences).toEqual([expect.objectContaining(expected)])
  })
})
