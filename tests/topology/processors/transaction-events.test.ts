import { expect, test } from 'vitest'
import { openPersonal } from '../../../privacy/personal.ts'
import type { LedgerCommandBody } from '../../../schemas/types.ts'
import type { Row } from '../../../sink/tables.ts'
import { transactionEvents } from '../../../topology/processors/transaction-events.ts'
import { decodeEvent } from '../../../topology/restore.ts'
import { ledgerTables } from '../../../topology/table-reader.ts'
import { COMMANDS_AT } from '../../support/arbitrary-commands.ts'
import {
  amended,
  deleted,
  groceries,
  opened,
  openedIn,
  recorded,
  respent,
  spent,
  splitInto,
  transferred,
} from '../../support/example-commands.ts'
import { historyOf } from '../../support/history.ts'
import { foldedRows } from '../../support/memory-tables.ts'
import { eventsOfBodies } from '../../support/sourced-events.ts'
import { NOW } from '../../support/specification.ts'

const TODAY = Math.floor(NOW / 86_400_000)
const toHealth: LedgerCommandBody = {
  type: 'OverrideCategory',
  transactionId: 't-1',
  categoryId: 'health',
}

const rowsAfter = (...bodies: LedgerCommandBody[]): Promise<readonly Row[]> =>
  foldedRows(transactionEvents, eventsOfBodies(opened, ...bodies))

test('a recorded transaction begins its history with all that is no text', async () => {
  expect(await rowsAfter(recorded({ categoryId: 'health' }))).toEqual([
    {
      user_id: 'user-1',
      transaction_id: 't-1',
      version: 1,
      event_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      sequence: 2,
      type: 'created',
      account_id: 'a-1',
      kind: 'ordinary',
      amount_minor: -12_550n,
      currency: 'NOK',
      booked_on: TODAY,
      category_id: 'health',
      category_source: 'user',
      confidence: 1,
      parts: null,
      occurred_at: NOW,
      recorded_at: COMMANDS_AT + 1,
      initiator_kind: 'user',
      personal: null,
    },
  ])
})

test('every change is a row with what counts from then on, and what the event says of the category', async () => {
  const history = [
    groceries,
    toHealth,
    amended({ amountMinor: -99n, bookedOn: TODAY - 3 }),
    splitInto(['health', null], ['travel', -9n]),
    deleted,
  ]
  expect(await rowsAfter(...history)).toMatchObject([
    { version: 1, type: 'created', category_id: 'uncategorized', category_source: 'fallback' },
    {
      version: 2,
      type: 'categorized',
      category_id: 'health',
      category_source: 'user',
      parts: null,
    },
    {
      version: 3,
      type: 'updated',
      amount_minor: -99n,
      booked_on: TODAY - 3,
      category_id: 'health',
      category_source: null,
      confidence: null,
    },
    {
      version: 4,
      type: 'categorized',
      category_id: 'health',
      category_source: null,
      parts:
        '[{"categoryId":"health","amountMinor":"-90"},{"categoryId":"travel","amountMinor":"-9"}]',
    },
    { version: 5, type: 'deleted', amount_minor: -99n, recorded_at: COMMANDS_AT + 5 },
  ])
})

test('an expense that is given another category was given it by the user', async () => {
  expect(await rowsAfter(spent({}), respent({ categoryId: 'dining' }))).toMatchObject([
    { kind: 'expense', type: 'created' },
    { type: 'updated', category_id: 'dining', category_source: 'user', confidence: 1 },
  ])
})

test('each side of a transfer has a history of its own, and nothing else has one', async () => {
  const history = await rowsAfter(openedIn('NOK', 'a-2'), transferred({}), {
    type: 'DeleteTransfer',
    fromTransactionId: 'from',
    toTransactionId: 'to',
  })
  expect(history.map(({ transaction_id, type }) => [transaction_id, type].join(' '))).toEqual([
    'from created',
    'from deleted',
    'to created',
    'to deleted',
  ])
})

test('texts are in a row as they are in the log: sealed, with all that opens them but the key', async () => {
  const bodies = [opened, recorded({ rawData: 'a bank said this' }), toHealth]
  const { log, keys } = await historyOf(
    1,
    bodies.map((body) => ({ userId: 'user-1', body })),
  )
  const records = log.committed({ topic: 'ledger.events', partition: 0 })
  const items = await ledgerTables.open(records, 0, keys)
  const rows = await foldedRows(transactionEvents, items)
  expect(rows).toHaveLength(2)
  const key = (await keys.existingKeysOf(['user-1'])).get('user-1')
  const [creating] = rows
  const event = decodeEvent(records[1] ?? expect.fail('no event'), 0)
  const { personal, event_id, user_id } = creating ?? {}
  if (!Buffer.isBuffer(personal)) expect.fail('no bytes')
  expect(personal.toString('latin1')).not.toContain('corner shop')
  expect(
    openPersonal(key, { ...event, personal, eventId: String(event_id), userId: String(user_id) }),
  ).toMatchObject({ description: 'corner shop 42', rawData: 'a bank said this' })
  expect(rows[1]).toMatchObject({ type: 'categorized', personal: null })
})
