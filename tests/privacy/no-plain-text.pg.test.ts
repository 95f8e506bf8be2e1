/**
 * Goal: what could name a person is readable only where the design says so.
 * Method: every personal field of every command holds a marker; after a run of the whole engine every column of every
 * table is searched for the bytes of the marker. A table that nobody thought of fails, because the list of those that
 * may hold clear text is closed.
 */
import type pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LedgerCommandBody } from '../../schemas/types.ts'
import { openPool } from '../../sink/postgres/pool.ts'
import { commandRecord } from '../support/actor-world.ts'
import { startEngine } from '../support/engine.ts'
import {
  amended,
  created,
  deleted,
  openedIn,
  recorded,
  groceries,
} from '../support/example-commands.ts'
import { describePostgres } from '../support/postgres.ts'
import { commandOf } from '../support/specification.ts'

const MARKER = 'Zebra-Marker'
let marks = 0
/** Another text each time, so that no rule takes it for the old one. */
const marked = (field: string): string => `${MARKER} ${field} ${++marks}`

const personal = () => ({
  description: marked('description'),
  merchant: marked('merchant'),
  counterparty: marked('counterparty'),
  note: marked('note'),
})

const account = (accountId: string): LedgerCommandBody => ({
  ...openedIn('NOK', accountId),
  name: marked('name'),
  bankName: marked('bank'),
})

const wishes: readonly LedgerCommandBody[] = [
  account('a-1'),
  account('a-2'),
  { type: 'RenameAccount', accountId: 'a-1', name: marked('name') },
  { type: 'CloseAccount', accountId: 'a-2' },
  created('c-1', marked('name')),
  created('c-2', marked('name')),
  { type: 'RenameCategory', categoryId: 'c-1', name: marked('name') },
  { type: 'DeleteCategory', categoryId: 'c-2' },
  recorded({ ...personal(), rawData: marked('raw') }),
  recorded({ ...personal(), rawData: marked('raw'), transactionId: 't-2' }),
  amended(personal()),
  { ...deleted, transactionId: 't-2' },
  { type: 'OverrideCategory', transactionId: 't-1', categoryId: 'c-1' },
  // Refused: an answer must not repeat what was sent either.
  { type: 'RenameAccount', accountId: 'a-9', name: marked('name') },
  { type: 'RenameAccount', accountId: 'a-1', name: marked('long').repeat(20) },
  created('c-3', marked('long').repeat(20)),
  recorded({ ...personal(), transactionId: 't-3', currency: 'USD' }),
  recorded({ ...personal(), transactionId: 't-3', note: marked('long').repeat(50) }),
  { ...groceries, ...personal() },
  { type: 'SetPreferences', baseCurrency: 'EUR', timeZone: 'Europe/Oslo', locale: 'nb-NO' },
]

describePostgres('personal text', (database) => {
  let pool: pg.Pool
  beforeAll(async () => {
    pool = openPool(database.url, { role: 'test', max: 1 })
    const engine = await startEngine({ url: database.url, partitions: 1 })
    const commands = wishes.map((body, n) => commandOf({ body }, n))
    const one = commandRecord(commands[0] ?? commandOf({ body: groceries }, 0))
    await engine.send(commands)
    // Dead letters: bytes that are no command, and a command under another user's key.
    await engine.sendRecords([
      { ...one, value: Buffer.from(`${MARKER} in no command`) },
      { ...one, key: Buffer.from('user-9') },
    ])
    await engine.settled()
    // The checkpoints are current once every partition is drained.
    await engine.stop()
  })
  afterAll(() => pool.end())

  test('is in clear only in the commands and in the tables that are searched by it', async () => {
    const holders = await tablesThatHold(pool, MARKER)
    expect(holders).toEqual(['accounts', 'categories', 'log_ledger_commands_0', 'transactions'])
  })

  test('every kind of record that may hold it sealed is there', async () => {
    const counted = await pool.query<{ readonly [table: string]: number }>(
      `SELECT (SELECT count(*)::int FROM log_ledger_events) AS log,
              (SELECT count(*)::int FROM events) AS archive,
              (SELECT count(*)::int FROM log_ledger_dead_letters) AS letters,
              (SELECT count(*)::int FROM log_ledger_outcomes) AS outcomes`,
    )
    expect(counted.rows[0]).toEqual({ log: 14, archive: 14, letters: 2, outcomes: wishes.length })
  })

  test('every kind of checkpoint that may hold it sealed is there', async () => {
    const { rows } = await pool.query<{ state_type: string }>(
      'SELECT DISTINCT state_type FROM actor_checkpoints ORDER BY 1',
    )
    expect(rows.map(({ state_type }) => state_type)).toEqual([
      'account',
      'category',
      'profile',
      'root',
      'transaction',
    ])
  })
})

/** Names of the tables in whose bytes the text occurs, whatever the type of the column. */
async function tablesThatHold(pool: pg.Pool, text: string): Promise<readonly string[]> {
  const { rows } = await pool.query<{ name: string; columns: readonly string[] }>(
    `SELECT c.table_name AS name, array_agg(c.column_name::text) AS columns
     FROM information_schema.columns c JOIN pg_class t ON t.relname = c.table_name
     WHERE c.table_schema = 'public' AND t.relkind = 'r' GROUP BY 1 ORDER BY 1`,
  )
  const holders: string[] = []
  const hex = Buffer.from(text).toString('hex')
  for (const { name, columns } of rows) {
    // bytea as text is hexadecimal digits, everything else is itself.
    const searched = columns
      .map((column) => `coalesce(t."${column}"::text, '')`)
      .join(` || ' ' || `)
    const found = await pool.query(
      `SELECT FROM "${name}" t WHERE strpos(${searched}, $1) > 0 OR strpos(${searched}, $2) > 0 LIMIT 1`,
      [text, hex],
    )
    if (found.rowCount !== 0) holders.push(name)
  }
  return holders
}
