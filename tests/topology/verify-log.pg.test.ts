import { expect, test } from 'vitest'
import { eventCodec } from '../../schemas/codec.ts'
import type { LedgerEvent } from '../../schemas/types.ts'
import { CLEAN, judged, withRun } from '../support/damaged-run.ts'
import { describePostgres } from '../support/postgres.ts'

describePostgres('verify finds in the log', (database) => {
  const run = withRun(database)

  /** Events of the log in order, with where they are. */
  async function events(): Promise<readonly (LedgerEvent & Stored)[]> {
    const { rows } = await run.admin.query<Stored>(
      'SELECT partition, "offset", value FROM log_records WHERE topic_id = 2 ORDER BY partition, "offset"',
    )
    return rows.map((row) => ({ ...eventCodec.decode(row.value), ...row }))
  }
  type Stored = { readonly partition: number; readonly offset: string; readonly value: Buffer }

  /** A transaction's first event that others of its ledger follow, and the one right after it. */
  async function inTheMiddle(): Promise<readonly [LedgerEvent & Stored, LedgerEvent & Stored]> {
    const all = await events()
    const chosen = all.find(
      ({ body, sequence }) => body.type === 'TransactionCreated' && sequence > 3,
    )
    const next = all.find(
      ({ userId, sequence }) => userId === chosen?.userId && sequence === chosen.sequence + 1,
    )
    if (chosen === undefined || next === undefined) throw new Error('another seed is needed')
    return [chosen, next]
  }

  const change =
    'UPDATE log_records SET value = $1 WHERE topic_id = 2 AND partition = $2 AND "offset" = $3'
  const remove = 'DELETE FROM log_records WHERE topic_id = 2 AND partition = $1 AND "offset" = $2'

  test('an event with other bytes, by the hash that the next one carries', async () => {
    const [event, next] = await inTheMiddle()
    // Of the hash of the command's content: it decodes and folds as before.
    const value = Buffer.from(event.value)
    const at = value.indexOf('contentHash' in event.body ? event.body.contentHash : 'no hash')
    value[at] = 1 ^ (value[at] ?? 0)
    await run.damage(change, [value, event.partition, event.offset])
    const { differences } = await judged(database.url)
    expect(differences).toContainEqual(
      expect.objectContaining({
        what: 'ledger.events',
        userId: event.userId,
        key: { offset: next.offset, sequence: String(next.sequence) },
        columns: ['previousHash'],
      }),
    )
    expect(differences).toContainEqual(
      expect.objectContaining({ what: 'events', columns: ['event'] }),
    )
  })

  test('an event that is not there, by the gap', async () => {
    const [event, next] = await inTheMiddle()
    await run.damage(remove, [event.partition, event.offset])
    const { differences } = await judged(database.url)
    expect(differences).toContainEqual(
      expect.objectContaining({
        what: 'ledger.events',
        problem: 'differs',
        key: { offset: next.offset, sequence: String(next.sequence) },
        columns: expect.arrayContaining(['sequence', 'previousHash']),
      }),
    )
  })

  test('the last event of a ledger that is not there, by the answer that names it', async () => {
    const last = (await events()).findLast(({ userId }) => userId === 'user-2')
    await run.damage(remove, [last?.partition, last?.offset])
    const { differences } = await judged(database.url)
    const key = { sequence: String(last?.sequence) }
    expect(differences).toContainEqual(
      expect.objectContaining({
        what: 'ledger.events',
        problem: 'missing',
        userId: 'user-2',
        key,
      }),
    )
  })

  test('an event that is there twice', async () => {
    const [event] = await inTheMiddle()
    const { rows } = await run.admin.query<{ next_offset: string }>(
      'UPDATE log_heads SET next_offset = next_offset + 1 WHERE topic_id = 2 AND partition = $1 RETURNING next_offset - 1 AS next_offset',
      [event.partition],
    )
    await run.damage(
      `INSERT INTO log_records SELECT topic_id, partition, $3, key, value, appended_at_ms
       FROM log_records WHERE topic_id = 2 AND partition = $1 AND "offset" = $2`,
      [event.partition, event.offset, rows[0]?.next_offset],
    )
    const { differences } = await judged(database.url)
    expect(differences).toMatchObject([
      {
        what: 'ledger.events',
        key: { offset: rows[0]?.next_offset, sequence: String(event.sequence) },
        columns: expect.arrayContaining(['sequence', 'version']),
      },
    ])
  })

  test('an event of another user, of another id', async () => {
    const [event] = await inTheMiddle()
    const stolen = { ...event, userId: 'user-9', personal: null }
    await run.damage(change, [eventCodec.encode(stolen), event.partition, event.offset])
    const { differences } = await judged(database.url)
    expect(differences).toContainEqual(
      expect.objectContaining({
        what: 'ledger.events',
        userId: event.userId,
        columns: ['key', 'eventId'],
      }),
    )
  })

  test.for([
    ['bytes that do not decode', () => Buffer.alloc(1)],
    [
      'texts that do not open',
      (event: LedgerEvent) => eventCodec.encode({ ...event, personal: Buffer.alloc(40) }),
    ],
  ] as const)('%s, and judges the other ledgers', async ([, valueOf]) => {
    const [event] = await inTheMiddle()
    await run.damage(change, [valueOf(event), event.partition, event.offset])
    const { differences, ledgers } = await judged(database.url)
    expect(ledgers).toBe(3)
    expect(differences).toMatchObject([
      {
        what: 'ledger.events',
        problem: 'not-readable',
        userId: event.userId,
        key: { offset: event.offset },
      },
    ])
  })

  test('nothing where outcomes left after their retention', async () => {
    await run.damage(
      'DELETE FROM log_records WHERE topic_id = 3 AND partition = 0 AND "offset" < 50',
    )
    await run.damage('DELETE FROM log_records WHERE topic_id = 3 AND partition = 1')
    await run.damage(
      `UPDATE log_heads SET start_offset = CASE partition WHEN 0 THEN 50 ELSE next_offset END WHERE topic_id = 3`,
    )
    expect(await judged(database.url)).toMatchObject(CLEAN)
  })

  test.for([
    [
      'a command without an answer',
      'DELETE FROM log_records WHERE topic_id = 3 AND partition = 0 AND "offset" = 1',
      'missing',
    ],
    [
      'a command with two answers',
      `UPDATE log_records SET value = (SELECT value FROM log_records WHERE topic_id = 3 AND partition = 0 AND "offset" = 2) WHERE topic_id = 3 AND partition = 0 AND "offset" = 1`,
      'extra',
    ],
  ] as const)('%s', async ([, sql, problem]) => {
    await run.damage(sql)
    const { differences } = await judged(database.url)
    expect(differences).toContainEqual(
      expect.objectContaining({ what: 'ledger.outcomes', problem, partition: 0 }),
    )
  })
})
