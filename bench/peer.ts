/** The usual way, for comparison: one SQL transaction per command. No log, no events, no outcomes, nothing sealed. */
import type { Pool, PoolClient } from 'pg'
import { transactionOf, userOf, type Workload } from './workload.ts'
import { openPool } from '../sink/postgres/pool.ts'

const CONNECTIONS = 4

const tables = [
  'DROP TABLE IF EXISTS peer_transactions, peer_accounts',
  'CREATE TABLE peer_transactions (LIKE transactions INCLUDING ALL)',
  'CREATE TABLE peer_accounts (LIKE accounts INCLUDING ALL)',
  'INSERT INTO peer_accounts SELECT * FROM accounts',
  'UPDATE peer_accounts SET balance_minor = 0, transaction_count = 0',
  'VACUUM ANALYZE peer_accounts',
] as const

/** Returns commands per second over four connections. The table has the columns and indexes of `transactions`. */
export async function insertPerCommand(
  pool: Pool,
  url: string,
  workload: Workload,
): Promise<{ readonly commandsPerSecond: number; readonly correct: boolean }> {
  for (const sql of tables) await pool.query(sql)
  const peers = openPool(url, { role: 'peer', max: CONNECTIONS })
  const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => peers.connect()))
  const now = Date.now()
  let next = 0
  const began = performance.now()
  await Promise.all(
    clients.map(async (client) => {
      for (let index = next++; index < workload.commands; index = next++) {
        await record(client, index, workload, now)
      }
    }),
  )
  const seconds = (performance.now() - began) / 1000
  for (const client of clients) client.release()
  await peers.end()
  const { rows } = await pool.query<{ same: boolean }>(
    `SELECT (SELECT sum(balance_minor) FROM peer_accounts) = (SELECT sum(amount_minor) FROM peer_transactions)
        AND (SELECT count(*) FROM peer_transactions) = $1 AS same`,
    [workload.commands],
  )
  return {
    commandsPerSecond: Math.round(workload.commands / seconds),
    correct: rows[0]?.same === true,
  }
}

async function record(
  client: PoolClient,
  index: number,
  workload: Workload,
  now: number,
): Promise<void> {
  const user = userOf(index, workload)
  const { transactionId, accountId, amountMinor, currency, occurredAt, description, source } =
    transactionOf(index, now)
  const at = new Date(occurredAt).toISOString()
  await client.query('BEGIN')
  await client.query({
    name: 'peer-insert',
    text: `INSERT INTO peer_transactions (user_id, transaction_id, account_id, amount_minor, currency, booked_on,
             occurred_at, description, category_id, category_source, confidence, needs_review, source, created_at, updated_at, version)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'uncategorized', 'fallback', 0, true, $9, now(), now(), 1)`,
    values: [
      user,
      transactionId,
      accountId,
      amountMinor,
      currency,
      at.slice(0, 10),
      at,
      description,
      source,
    ],
  })
  await client.query({
    name: 'peer-update',
    text: `UPDATE peer_accounts SET balance_minor = balance_minor + $3, transaction_count = transaction_count + 1, updated_at = now()
           WHERE user_id = $1 AND account_id = $2`,
    values: [user, accountId, amountMinor],
  })
  await client.query('COMMIT')
}
