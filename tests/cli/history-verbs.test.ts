import { expect, test } from 'vitest'
import { runEvents } from '../../cli/events.ts'
import type { Output } from '../../cli/output.ts'
import { runState } from '../../cli/state.ts'
import { historyOf, type Wish } from '../support/history.ts'
import { NOW } from '../support/specification.ts'

const userId = 'user-1'
const wish = (body: Wish['body']): Wish => ({ userId, body })
const record = (transactionId: string, amountMinor: bigint): Wish =>
  wish({
    type: 'RecordTransaction',
    transactionId,
    accountId: 'a',
    amountMinor,
    currency: 'NOK',
    occurredAt: NOW,
    bookedOn: null,
    source: 'manual',
    categoryId: 'c',
    mcc: null,
    description: 'Corner shop',
    merchant: null,
    counterparty: null,
    note: null,
    rawData: null,
  })

const written = historyOf(1, [
  wish({
    type: 'OpenAccount',
    accountId: 'a',
    kind: 'cash',
    currency: 'NOK',
    name: 'Purse',
    bankName: null,
  }),
  wish({ type: 'CreateCategory', categoryId: 'c', name: 'Boats' }),
  record('t-1', -1_250n),
  record('t-2', -5n),
  wish({ type: 'DeleteTransaction', transactionId: 't-2' }),
  wish({ type: 'SetPreferences', baseCurrency: 'EUR', timeZone: null, locale: null }),
])

function collected(): Output & { readonly results: string[]; readonly notes: string[] } {
  const results: string[] = []
  const notes: string[] = []
  return {
    results,
    notes,
    result: (line) => void results.push(line),
    note: (line) => void notes.push(line),
    flushed: () => Promise.resolve(),
  }
}

async function printed(json: boolean, sequence?: number) {
  const { log, keys } = await written
  const out = collected()
  const at = sequence === undefined ? {} : { sequence }
  const code = await runState({ log, keys, partitions: 1, userId, ...at }, { json }, out)
  return { code, ...out }
}

test('a state shows balances as decimals, and counts transactions that count', async () => {
  const { code, results } = await printed(true)
  expect(code).toBe(0)
  expect(results.map((line) => JSON.parse(line))).toEqual([
    {
      userId,
      sequence: 6,
      accounts: [
        {
          accountId: 'a',
          kind: 'cash',
          name: 'Purse',
          currency: 'NOK',
          balance: '-12.50',
          status: 'open',
        },
      ],
      transactions: 1,
      categories: [{ categoryId: 'c', name: 'Boats', status: 'active' }],
      preferences: expect.objectContaining({ baseCurrency: 'EUR' }),
    },
  ])
})

test('a state of the past is that after its event', async () => {
  const { results } = await printed(false, 4)
  expect(results.slice(0, 3)).toEqual([
    'ledger user-1 after event 4',
    'account a: -12.55 NOK, cash, open, Purse',
    'transactions: 2',
  ])
})

test('a state after an event that did not happen is an answer of 1', async () => {
  const { code, results, notes } = await printed(true, 7)
  expect({ code, results, notes }).toEqual({
    code: 1,
    results: [],
    notes: ['the ledger of user-1 has 6 events, not 7'],
  })
})

test('events are printed a line each, and a user without any is an answer of 1', async () => {
  const { log, keys } = await written
  const out = collected()
  expect(await runEvents({ log, keys, partitions: 1, userId }, out)).toBe(0)
  const events = out.results.map((line) => JSON.parse(line))
  expect(events.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6])
  expect(events[2]).toMatchObject({
    body: { type: 'TransactionCreated', amount: '-12.50' },
    personal: { description: 'Corner shop' },
  })
  expect(await runEvents({ log, keys, partitions: 1, userId: 'nobody' }, out)).toBe(1)
})
