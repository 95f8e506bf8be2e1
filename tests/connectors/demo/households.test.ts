import { describe, expect, test } from 'vitest'
import { demoHouseholds } from '../../../connectors/demo/households.ts'
import type {
  DemoAccount,
  DemoItem,
  DemoRequest,
  DemoTransaction,
} from '../../../connectors/demo/households.ts'
import { builtInCategories } from '../../../schemas/built-in-categories.ts'
import { addMinor, isCurrency } from '../../../schemas/money.ts'

const request: DemoRequest = { seed: 7, endOn: '2026-06-30' }
const items = [...demoHouseholds(request)]

const households = [...Map.groupBy(items, (item) => item.userId).values()].map((all) => ({
  all,
  preferences: all.filter((item) => item.kind === 'preferences'),
  accounts: all.filter((item) => item.kind === 'open-account'),
  transactions: all.filter((item) => item.kind === 'transaction'),
}))

function idsOf(list: readonly DemoItem[]): string[] {
  return list.flatMap((item) => {
    if (item.kind === 'preferences') return [item.userId]
    if (item.kind === 'set-budget') return [item.budgetId]
    return [item.kind === 'transaction' ? item.transactionId : item.accountId]
  })
}

function balancesOf(accounts: readonly DemoAccount[], transactions: readonly DemoTransaction[]) {
  return accounts.map(({ accountId, accountKind }) => {
    const amounts = transactions.filter((item) => item.accountId === accountId)
    const lowest = { atMinor: 0n }
    const endMinor = amounts.reduce((sum, { amountMinor }) => {
      const next = addMinor(sum, amountMinor)
      if (next < lowest.atMinor) lowest.atMinor = next
      return next
    }, 0n)
    return { accountKind, endMinor, lowestMinor: lowest.atMinor }
  })
}

describe('repeatable', () => {
  test('the same request gives the same items', () => {
    expect([...demoHouseholds(request)]).toEqual(items)
  })

  test('another seed gives other households and other amounts', () => {
    const others = [...demoHouseholds({ ...request, seed: 8 })]
    const known = new Set(idsOf(items))
    expect(idsOf(others).filter((id) => known.has(id))).toEqual([])
  })

  test('every id is UUID-shaped and used once', () => {
    const ids = idsOf(items)
    expect(new Set(ids).size).toBe(ids.length)
    const shape = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/
    expect(ids.filter((id) => !shape.test(id))).toEqual([])
  })

  test('a household stays as it is when more households are asked for', () => {
    const two = [...demoHouseholds({ ...request, households: 2 })]
    expect(two).toEqual(items.slice(0, two.length))
  })

  test.each(['2026-02-30', '2026-6-1', 'today', ''])('%j is not a date to end on', (endOn) => {
    expect(() => demoHouseholds({ ...request, endOn }).next()).toThrow(
      expect.objectContaining({ code: 'SALDO_INPUT_INVALID' }),
    )
  })
})

describe('believable', () => {
  test('every household plans what it spends, by built-in category and in its own currency', () => {
    for (const { all, preferences } of households) {
      const budgets = all.filter((item) => item.kind === 'set-budget')
      expect(budgets.length).toBeGreaterThan(1)
      for (const { categoryId, currency, amountMinor } of budgets) {
        expect(builtInCategories).toContain(categoryId)
        expect(currency).toBe(preferences[0]?.baseCurrency)
        expect(amountMinor).toBeGreaterThan(0n)
      }
    }
  })

  test('households are Norwegian and Tanzanian in turn', () => {
    const homes = households.map(({ preferences }) =>
      preferences.map((item) => `${item.baseCurrency} ${item.timeZone}`),
    )
    expect(homes).toEqual([
      ['NOK Europe/Oslo'],
      ['TZS Africa/Dar_es_Salaam'],
      ['NOK Europe/Oslo'],
      ['TZS Africa/Dar_es_Salaam'],
    ])
  })

  test('preferences and accounts come first, and then everything in order of time', () => {
    for (const { all } of households) {
      expect(all.slice(0, 4).map((item) => item.kind)).toEqual([
        'preferences',
        'open-account',
        'open-account',
        'open-account',
      ])
      const times = all.map((item) => item.occurredAt)
      expect(times).toEqual(times.toSorted((a, b) => a - b))
    }
  })

  test('a year has 900 to 1,500 transactions, booked on the local day they happened', () => {
    for (const { preferences, transactions } of households) {
      expect(transactions.length).toBeGreaterThan(900)
      expect(transactions.length).toBeLessThan(1_500)
      expect(
        transactions
          .map((item) => item.bookedOn)
          .toSorted()
          .at(0),
      ).toBe('2025-07-01')
      expect(transactions.at(-1)?.bookedOn).toBe('2026-06-30')
      const localDay = new Intl.DateTimeFormat('sv-SE', {
        timeZone: preferences[0]?.timeZone ?? 'UTC',
      })
      const moved = transactions.filter(
        (item) => localDay.format(item.occurredAt) !== item.bookedOn,
      )
      expect(moved).toEqual([])
    }
  })

  test('every transaction moves money of its account, in the currency of its account', () => {
    for (const { accounts, transactions } of households) {
      const currencyOf = new Map(accounts.map((item) => [item.accountId, item.currency]))
      const odd = transactions.filter(
        ({ accountId, currency, amountMinor, description }) =>
          currencyOf.get(accountId) !== currency ||
          !isCurrency(currency) ||
          amountMinor === 0n ||
          description === '' ||
          description.includes('{'),
      )
      expect(odd).toEqual([])
    }
  })

  test('salary comes every month, with a bonus and refunds in a year', () => {
    for (const { transactions } of households) {
      const income = transactions.filter((item) => item.amountMinor > 0n)
      const texts = income.map((item) => item.description)
      expect(texts.filter((text) => /^(LØNN|SALARY) (?!BONUS)/u.test(text))).toHaveLength(12)
      expect(texts.filter((text) => /BONUS/u.test(text))).toHaveLength(1)
      expect(texts.filter((text) => /^(TILBAKEBETALING|REFUND) /u.test(text))).not.toEqual([])
    }
  })

  test('nobody but a card runs below zero, and savings grow', () => {
    for (const seed of [1, 2, 7]) {
      const list = [...demoHouseholds({ ...request, seed })]
      for (const all of Map.groupBy(list, (item) => item.userId).values()) {
        const balances = balancesOf(
          all.filter((item) => item.kind === 'open-account'),
          all.filter((item) => item.kind === 'transaction'),
        )
        for (const { accountKind, endMinor, lowestMinor } of balances) {
          if (accountKind !== 'credit') expect(lowestMinor).toBe(0n)
          if (accountKind === 'savings') expect(endMinor).toBeGreaterThan(0n)
        }
      }
    }
  })
})
