/**
 * Goal: what is asked of the tables is what a naive model of the ledger says, on both databases.
 * Method: random histories, decided by the real rules, folded in random batches through the real store; then the
 * queries and views are compared with sums over a list of transactions.
 */
import fc from 'fast-check'
import type pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isoDateOf } from '../../schemas/dates.ts'
import type { OpenedEvent } from '../../schemas/opened-event.ts'
import { postgresTableStore } from '../../sink/postgres-table-store.ts'
import { openPool } from '../../sink/postgres/pool.ts'
import { balanceOf, balanceStatement, type BalanceRow } from '../../sink/queries-balances.ts'
import type { TableStore } from '../../sink/table-store.ts'
import { foldBatch } from '../../topology/fold-batch.ts'
import type { Sourced } from '../../topology/processors/processor.ts'
import { consumerOf, ledgerTables } from '../../topology/table-reader.ts'
import { arbitraryHistory } from '../support/arbitrary-commands.ts'
import { countedParts, liveBookings, type CountedPart } from '../support/live-bookings.ts'
import { describePostgres } from '../support/postgres.ts'
import { sourcedEvents } from '../support/sourced-events.ts'
import { tableNames } from '../support/table-rows.ts'

type Model = (events: readonly OpenedEvent[]) => readonly (readonly unknown[])[]

/** Views, and what each of their rows should say. */
const views: readonly (readonly [name: string, sql: string, model: Model])[] = [
  [
    'spending by month',
    `SELECT user_id, to_char(month, 'YYYY-MM-DD'), category_id, currency, total_minor, transaction_count
     FROM monthly_aggregates`,
    (events) =>
      grouped(spending(events), (part) => [
        part.userId,
        `${isoDateOf(part.bookedOn).slice(0, 7)}-01`,
        part.categoryId,
        part.currency,
      ]).map(([key, parts]) => [...key, -total(parts), parts.length]),
  ],
  [
    'spending by category',
    `SELECT user_id, category_id, currency, total_minor, transaction_count, first_on::text, last_on::text
     FROM category_aggregates`,
    (events) =>
      grouped(spending(events), byCategory).map(([key, parts]) => {
        const days = parts.map(({ bookedOn }) => bookedOn)
        const range = [isoDateOf(Math.min(...days)), isoDateOf(Math.max(...days))]
        return [...key, -total(parts), parts.length, ...range]
      }),
  ],
  [
    'the use of categories',
    `SELECT user_id, category_id, currency, spent_minor, received_minor, transaction_count, last_used_on::text
     FROM category_usage`,
    (events) =>
      grouped(countedParts(events), byCategory).map(([key, parts]) => {
        const spent = parts.filter(({ amountMinor }) => amountMinor < 0n)
        const received = parts.filter(({ amountMinor }) => amountMinor > 0n)
        const last = Math.max(...parts.map(({ bookedOn }) => bookedOn))
        return [...key, -total(spent), total(received), parts.length, isoDateOf(last)]
      }),
  ],
  [
    'what a day leaves in an account',
    'SELECT user_id, account_id, booked_on::text, balance_minor FROM daily_balances',
    (events) => {
      const bookings = liveBookings(events)
      const days = bookings.map(({ userId, accountId, booking }) => {
        return [userId, accountId, isoDateOf(booking.bookedOn)] as const
      })
      return days.map(([userId, accountId, day]) => {
        const until = bookings.filter(
          (one) =>
            one.userId === userId &&
            one.accountId === accountId &&
            isoDateOf(one.booking.bookedOn) <= day,
        )
        return [
          userId,
          accountId,
          day,
          until.reduce((sum, one) => sum + one.booking.amountMinor, 0n),
        ]
      })
    },
  ],
  [
    'what users corrected',
    `SELECT user_id, from_category_id, to_category_id, source, correction_count FROM correction_statistics`,
    (events) =>
      grouped(corrected(events), (one) => one).map(([key, same]) => [...key, same.length]),
  ],
]

function spending(events: readonly OpenedEvent[]): readonly CountedPart[] {
  return countedParts(events).filter(({ amountMinor }) => amountMinor < 0n)
}

function byCategory({ userId, categoryId, currency }: CountedPart): readonly string[] {
  return [userId, categoryId, currency]
}

function total(parts: readonly CountedPart[]): bigint {
  return parts.reduce((sum, { amountMinor }) => sum + amountMinor, 0n)
}

/** Those with one key together. */
function grouped<T>(
  items: readonly T[],
  keyOf: (item: T) => readonly string[],
): readonly (readonly [readonly string[], readonly T[]])[] {
  const groups = Map.groupBy(items, (item) => JSON.stringify(keyOf(item)))
  return [...groups].map(([key, some]) => [JSON.parse(key) as string[], some])
}

/** User, category at first, category now and who had chosen, of transactions whose category somebody else chose first. */
function corrected(events: readonly OpenedEvent[]): readonly (readonly string[])[] {
  return liveBookings(events).flatMap(({ userId, transactionId, booking }) => {
    const own = events.flatMap(({ userId: user, body }) =>
      user === userId && 'transactionId' in body && body.transactionId === transactionId
        ? [body]
        : [],
    )
    const first = own.find((body) => body.type === 'TransactionCreated')
    const chose = own.some(
      (body) =>
        body.type === 'TransactionCategoryOverridden' ||
        (body.type === 'TransactionUpdated' && body.before.categoryId !== body.after.categoryId),
    )
    if (first === undefined || !chose || first.categorySource === 'user') return []
    return [[userId, first.categoryId, booking.categoryId, first.categorySource]]
  })
}

/** Rows in an order of their own, each once. */
function lines(rows: readonly (readonly unknown[])[]): readonly string[] {
  return [...new Set(rows.map((row) => row.join(' ')))].toSorted()
}

const LOG = '00000000-0000-4000-8000-000000000001'
const history = arbitraryHistory(150).map(sourcedEvents)
const batchSize = fc.integer({ min: 1, max: 60 })

describePostgres('tables and a naive model', (database) => {
  let pool: pg.Pool
  let store: TableStore
  beforeAll(() => {
    pool = openPool(database.url, { role: 'test', max: 2 })
    store = postgresTableStore(database.url, 'test-tables')
  })
  afterAll(() => Promise.all([pool.end(), store.close()]))

  async function fold(events: readonly Sourced<OpenedEvent>[], size: number): Promise<void> {
    await pool.query(`TRUNCATE progress, ${tableNames.join(', ')}`)
    const taken = await store.takeOver(ledgerTables.processors.map(consumerOf), 0, LOG)
    for (let from = 0; from < events.length; from += size) {
      const batch = events.slice(from, from + size)
      const writes = await Promise.all(
        ledgerTables.processors.map((processor) => foldBatch(processor, batch, store.read)),
      )
      const to = from + batch.length
      const moves = taken.map(({ consumer, epoch }) => {
        return { consumer, epoch, from: BigInt(from), to: BigInt(to), lastEventId: undefined }
      })
      await store.apply({ partition: 0, moves, writes })
    }
  }

  test('the balance of an account at the end of any day is the sum of what was booked up to it', async () => {
    const agrees = fc.asyncProperty(history, batchSize, async (events, size) => {
      await fold(events, size)
      const items = events.map(({ item }) => item)
      const bookings = liveBookings(items)
      const days = [...new Set(bookings.map(({ booking }) => booking.bookedOn))].toSorted(
        (a, b) => a - b,
      )
      const first = days[0] ?? 0
      for (const { userId, body } of items) {
        if (body.type !== 'AccountOpened') continue
        for (const day of [first - 1, first, days[days.length >> 1] ?? 0, days.at(-1) ?? 0]) {
          const booked = bookings.filter(
            (one) =>
              one.userId === userId &&
              one.accountId === body.accountId &&
              one.booking.bookedOn <= day,
          )
          expect(await balanceAt(userId, body.accountId, day)).toEqual({
            accountId: body.accountId,
            currency: body.currency,
            balanceMinor: booked.reduce((sum, { booking }) => sum + booking.amountMinor, 0n),
            transactionCount: booked.length,
          })
        }
      }
    })
    await fc.assert(agrees, { numRuns: 5 })
  })

  test.for(views)('%s is what the model says', async ([, sql, expected]) => {
    const agrees = fc.asyncProperty(history, batchSize, async (events, size) => {
      await fold(events, size)
      const { rows } = await pool.query<unknown[]>({ text: sql, rowMode: 'array' })
      const said = expected(events.map(({ item }) => item))
      expect(lines(rows)).toEqual(lines(said))
    })
    await fc.assert(agrees, { numRuns: 4 })
  })

  test('an account that there is not has no balance', async () => {
    await fold([], 1)
    expect(await balanceAt('user-1', 'a-1', 20_000)).toBeUndefined()
  })

  async function balanceAt(userId: string, accountId: string, day: number) {
    const { text, values } = balanceStatement(userId, accountId, isoDateOf(day))
    const { rows } = await pool.query<BalanceRow>(text, [...values])
    return rows[0] === undefined ? undefined : balanceOf(rows[0])
  }
})
