import fc from 'fast-check'
import { formatMinor } from '../../../../schemas/money.ts'
import { textOf } from '../../../../schemas/opened-event.ts'
import type { LedgerEventBody } from '../../../../schemas/types.ts'
import { liveBookings } from '../../../support/live-bookings.ts'
import { compared, idsOf, isDayWithin, isoTime, sumOf, times } from './ledger.ts'
import type { Ledger, RouteModels } from './ledger.ts'

export const accountModels: RouteModels = {
  '/v1/accounts': {
    questions: () => [fc.constant({})],
    answer: (ledger) => ({ accounts: accountsOf(ledger) }),
  },
  '/v1/accounts/{accountId}': {
    questions: (ledger) => times(3, fc.record({ path: anAccount(ledger) })),
    answer(ledger, { path }) {
      const account = accountsOf(ledger).find(({ accountId }) => accountId === path?.['accountId'])
      return account === undefined ? undefined : { account }
    },
  },
  '/v1/accounts/{accountId}/balance': {
    questions: (ledger) =>
      times(8, fc.record({ path: anAccount(ledger), query: fc.oneof(fc.constant({}), at) })),
    answer(ledger, { path, query }) {
      const account = accountsOf(ledger).find(({ accountId }) => accountId === path?.['accountId'])
      if (account === undefined) return undefined
      const { accountId, currency } = account
      const booked = bookedIn(ledger, accountId).filter(({ bookedOn }) =>
        isDayWithin(bookedOn, undefined, query?.['at']),
      )
      const amount = formatMinor(sumOf(booked), currency)
      const transactionCount = booked.length
      return {
        balance: { accountId, at: query?.['at'] ?? null, currency, amount, transactionCount },
      }
    },
  },
}

const anAccount = (ledger: Ledger) =>
  fc.record({ accountId: fc.constantFrom(...idsOf(ledger, 'account')) })
const at = fc.record({
  at: fc.constantFrom('1970-01-01', '2025-12-31', '2026-01-20', '2026-02-11', '2026-03-14'),
})

const moves: ReadonlySet<LedgerEventBody['type']> = new Set([
  'AccountOpened',
  'AccountRenamed',
  'AccountClosed',
  'AccountReconciled',
  'TransactionCreated',
  'TransactionUpdated',
  'TransactionDeleted',
])

/** Oldest first. */
function accountsOf(ledger: Ledger) {
  const accounts = idsOf(ledger, 'account').flatMap((id) => accountOf(ledger, id) ?? [])
  return accounts.toSorted(
    (a, b) => compared(a.openedAt, b.openedAt) || compared(a.accountId, b.accountId),
  )
}

function accountOf(ledger: Ledger, accountId: string) {
  const own = ledger.events.filter(
    ({ body }) => moves.has(body.type) && 'accountId' in body && body.accountId === accountId,
  )
  const [opening] = own
  if (opening?.body.type !== 'AccountOpened') return undefined
  const { kind, currency } = opening.body
  const named = own.findLast(({ body }) => body.type === 'AccountRenamed') ?? opening
  const booked = bookedIn(ledger, accountId)
  return {
    accountId,
    kind,
    name: textOf(named.personal, 'name'),
    bankName: textOf(opening.personal, 'bankName'),
    currency,
    balance: formatMinor(sumOf(booked), currency),
    transactionCount: booked.length,
    status: own.some(({ body }) => body.type === 'AccountClosed') ? 'closed' : 'open',
    openedAt: isoTime(opening.recordedAt),
    updatedAt: isoTime(own.at(-1)?.recordedAt ?? 0),
  }
}

function bookedIn({ events }: Ledger, accountId: string) {
  const own = liveBookings(events).filter((one) => one.accountId === accountId)
  return own.map(({ booking }) => booking)
}
