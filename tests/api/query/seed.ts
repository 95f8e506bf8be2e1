import pg from 'pg'
import { eventCodec } from '../../../schemas/codec.ts'
import { isoDateOf } from '../../../schemas/dates.ts'
import type { OpenedEvent } from '../../../schemas/opened-event.ts'
import { transactionEvents } from '../../../topology/processors/transaction-events.ts'
import type { LedgerEvent } from '../../../schemas/types.ts'

/** Rows as the table writers leave them; a field that a test does not care about has a default. */
export type Seed = {
  account(row: AccountSeed): Promise<void>
  transaction(row: TransactionSeed): Promise<void>
  spending(row: SpendingSeed): Promise<void>
  outcome(row: OutcomeSeed): Promise<void>
  /** What the archives keep of an event, at an offset that is its sequence. */
  event(event: LedgerEvent): Promise<void>
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
  readonly merchant?: string | null
  readonly note?: string | null
  readonly kind?: string
  readonly parts?: readonly { readonly categoryId: string; readonly amountMinor: bigint }[]
  readonly status?: string
  readonly needsReview?: boolean
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

/** When seeded rows were written. */
export const AT = '2024-05-01T10:00:00.123Z'

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
      const parts = row.parts?.map(({ categoryId, amountMinor }) => {
        return { categoryId, amountMinor: amountMinor.toString() }
      })
      await run(
        `INSERT INTO transactions (user_id, transaction_id, account_id, amount_minor, currency, booked_on,
                                   occurred_at, description, merchant, note, category_id, category_source,
                                   confidence, needs_review, source, kind, parts, part_category_ids, status,
                                   created_at, updated_at, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'rule', 0.95, $12, 'manual', $13, $14, $15, $16, $7, $7, 1)`,
        [
          row.userId,
          row.transactionId,
          row.accountId ?? 'a-1',
          row.amountMinor ?? -1_250n,
          row.currency ?? 'EUR',
          row.bookedOn ?? '2024-05-01',
          AT,
          row.description ?? 'CORNER SHOP',
          row.merchant,
          row.note,
          row.categoryId ?? 'groceries',
          row.needsReview ?? false,
          row.kind ?? 'ordinary',
          parts === undefined ? null : JSON.stringify(parts),
          parts?.map(({ categoryId }) => categoryId),
          row.status ?? 'recorded',
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
    async event(event) {
      await run(
        `INSERT INTO events (user_id, sequence, event_id, aggregate_type, aggregate_id, version, event_type,
                             occurred_at, recorded_at, command_id, partition, "offset", event)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, $2, $11)`,
        [
          event.userId,
          event.sequence,
          event.eventId,
          event.aggregateType,
          event.aggregateId,
          event.version,
          event.body.type,
          new Date(event.occurredAt),
          new Date(event.recordedAt),
          event.commandId,
          eventCodec.encode(event),
        ],
      )
      const item: OpenedEvent = { ...event, personal: 'not-readable' }
      const source = { item, partition: 0, offset: BigInt(event.sequence) }
      const row = transactionEvents.row({ ...source, value: Buffer.alloc(0) })
      if (row === undefined) return
      const { recorded_at, occurred_at, booked_on, ...rest } = row
      const columns = {
        ...rest,
        recorded_at: new Date(Number(recorded_at)),
        occurred_at: new Date(Number(occurred_at)),
        booked_on: isoDateOf(Number(booked_on)),
      }
      const names = Object.keys(columns)
      await run(
        `INSERT INTO transaction_events (${names.join(', ')}) VALUES (${names.map((_, n) => `$${n + 1}`).join(', ')})`,
        Object.values(columns),
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
