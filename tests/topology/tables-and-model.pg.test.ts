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
import { liveBookings } from '../support/live-bookings.ts'
import { describePostgres } from '../support/postgres.ts'
import { sourcedEvents } from '../support/sourced-events.ts'
import { tableNames } from '../support/table-rows.ts'

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
    await fc.assert(agrees, { numRuns: 8 })
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
