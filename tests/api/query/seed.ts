import pg from 'pg'

/** Rows as the table writers leave them; a field that a test does not care about has a default. */
export type Seed = {
  account(row: AccountSeed): Promise<void>
  transaction(row: TransactionSeed): Promise<void>
  spending(row: SpendingSeed): Promise<void>
  outcome(row: OutcomeSeed): Promise<void>
  progress(consumer: string, updatedAt: string): Promise<void>
  run(sql: string, values?: readonly unknown[]): Promise<pg.QueryResult>
  close(): Promise<void>
}

type AccountSeed = {
  readonly userId: string
  readonly accountId: string
  readonly balanceMinor?: bigint
  readonly currency?: string
  readonly name?: string | null
}

type TransactionSeed = {
  readonly userId: string
  readonly transactionId: string
  readonly accountId?: string
  readonly amountMinor?: bigint
  readonly currency?: string
  readonly bookedOn?: string
  readonly categoryId?: string
  readonly description?: string
}

type SpendingSeed = {
  readonly userId: string
  readonly bookedOn: string
  readonly categoryId: string
  readonly totalMinor: bigint
  readonly currency?: string
}

type OutcomeSeed = {
  readonly userId: string
  readonly commandId: string
  readonly verdict: string
  readonly code?: string
}

const AT = '2024-05-01T10:00:00.123Z'

export async function openSeed(databaseUrl: string): Promise<Seed> {
  const client = new pg.Client(databaseUrl)
  await client.connect()
  const run = (sql: string, values: readonly unknown[] = []): Promise<pg.QueryResult> =>
    client.query(sql, [...values])
  return {
    run,
    close: () => client.end(),
    async account({ userId, accountId, balanceMinor = 0n, currency = 'EUR', name = 'Everyday' }) {
      await run(
        `INSERT INTO accounts (user_id, account_id, kind, name, bank_name, currency, balance_minor,
                               transaction_count, status, opened_at, updated_at, last_sequence)
         VALUES ($1, $2, 'checking', $3, NULL, $4, $5, 3, 'open', $6, $6, 7)`,
        [userId, accountId, name, currency, balanceMinor, AT],
      )
    },
    async transaction(row) {
      await run(
        `INSERT INTO transactions (user_id, transaction_id, account_id, amount_minor, currency, booked_on,
                                   occurred_at, description, category_id, category_source, confidence,
                                   needs_review, source, created_at, updated_at, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'rule', 0.95, false, 'manual', $7, $7, 1)`,
        [
          row.userId,
          row.transactionId,
          row.accountId ?? 'a-1',
          row.amountMinor ?? -1_250n,
          row.currency ?? 'EUR',
          row.bookedOn ?? '2024-05-01',
          AT,
          row.description ?? 'CORNER SHOP',
          row.categoryId ?? 'groceries',
        ],
      )
    },
    async spending({ userId, bookedOn, categoryId, totalMinor, currency = 'EUR' }) {
      await run(
        `INSERT INTO daily_aggregates (user_id, booked_on, category_id, currency, total_minor, transaction_count)
         VALUES ($1, $2, $3, $4, $5, 2)`,
        [userId, bookedOn, categoryId, currency, totalMinor],
      )
    },
    async outcome({ userId, commandId, verdict, code }) {
      await run(
        `INSERT INTO command_outcomes (user_id, command_id, verdict, recorded_at, partition, command_offset,
                                       event_ids, code)
         VALUES ($1, $2, $3, $4, 0, 12, '{}', $5)`,
        [userId, commandId, verdict, AT, code],
      )
    },
    async progress(consumer, updatedAt) {
      await run('INSERT INTO progress (consumer, partition, updated_at) VALUES ($1, 0, $2)', [
        consumer,
        updatedAt,
      ])
    },
  }
}
