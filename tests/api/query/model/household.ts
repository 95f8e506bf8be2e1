/**
 * What a household with accounts in currencies of 0, 2 and 3 decimals sends: everything that an answer can depend on is
 * in each of its histories, with amounts, days and an order of their own.
 */
import fc from 'fast-check'
import type { LedgerCommandBody, OpenAccount } from '../../../../schemas/types.ts'
import {
  amended,
  budgeted,
  created,
  openedIn,
  preferences,
  reconciled,
  recorded,
  respent,
  spent,
  splitInto,
  transferred,
} from '../../../support/example-commands.ts'

/** 2026-03-14. */
const TODAY = 20_526
/** Of the first week of the next year. */
const NEW_YEAR = TODAY - 74
/** The first day of its month, where a range that is a day too long shows. */
const MARCH = TODAY - 13
const TRANSACTIONS = 24

const accounts: readonly OpenAccount[] = [
  openedIn('NOK', 'a-1'),
  openedIn('EUR', 'a-2'),
  openedIn('JPY', 'a-3'),
  openedIn('NOK', 'a-4'),
  openedIn('KWD', 'a-5'),
]
const beginning = [...accounts, created('c-1', 'Pets'), preferences({ timeZone: 'Europe/Oslo' })]

const id = fc.nat(TRANSACTIONS - 1).map((n) => `h-${n}`)
const bookedOn = fc.integer({ min: TODAY - 110, max: TODAY })
const categoryId = fc.constantFrom('groceries', 'groceries', 'health', 'travel', 'c-1')
const spending = fc.bigInt({ min: -6_000n, max: -1n })
const texts = fc.record({
  description: fc.constantFrom('Takk for handelen', 'corner shop 😀', '100% ØKO', 'under_strek \\'),
  merchant: fc.constantFrom(
    null,
    'REMA 1000',
    'rema 1000',
    'Kjøttbasaren',
    'Market',
    '',
    '\u{10000}',
    '\uFFFD',
  ),
  note: fc.constantFrom(null, 'nøtter'),
})

const recording = (transactionId: string): fc.Arbitrary<LedgerCommandBody> =>
  fc
    .record({
      account: fc.constantFrom(...accounts),
      amountMinor: fc.oneof(
        { weight: 4, arbitrary: spending },
        { weight: 1, arbitrary: fc.bigInt({ min: 1n, max: 90_000n }) },
      ),
      bookedOn: fc.option(bookedOn, { freq: 9 }),
      categoryId: fc.option(categoryId, { freq: 2 }),
      texts,
    })
    .map(({ account: { accountId, currency }, texts: said, ...rest }) =>
      recorded({ transactionId, accountId, currency, ...rest, ...said }),
    )

const change: fc.Arbitrary<LedgerCommandBody> = fc.oneof(
  fc
    .record({ transactionId: id, amountMinor: fc.option(spending), bookedOn: fc.option(bookedOn) })
    .map(amended),
  fc.record({ transactionId: id, merchant: fc.constantFrom('Market', 'Kiosk') }).map(amended),
  fc.record({ type: fc.constant('OverrideCategory'), transactionId: id, categoryId }),
  fc
    .record({ transactionId: id, rest: fc.constantFrom('health', 'travel') })
    .map(({ transactionId, rest }): LedgerCommandBody => ({
      ...splitInto(['groceries', -1n], [rest, null]),
      transactionId,
    })),
  fc.record({ type: fc.constant('DeleteTransaction'), transactionId: id }),
)

const plan = fc.constantFrom(
  { budgetId: 'h-every' },
  { budgetId: 'h-march', month: 674 },
  { budgetId: 'h-january', month: 672 },
  { budgetId: 'h-dinars', currency: 'KWD' },
  { budgetId: 'h-yen', currency: 'JPY', month: 673 },
  { budgetId: 'h-health', categoryId: 'health' },
)
const budget: fc.Arbitrary<LedgerCommandBody> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .record({
        plan,
        amountMinor: fc.constantFrom(0n, 700n, 3_000n, 9_000n),
        thresholds: fc.constantFrom(null, [50, 120]),
        name: fc.constantFrom(null, 'Food'),
      })
      .map(({ plan: place, ...rest }) => budgeted({ ...place, ...rest })),
  },
  {
    weight: 1,
    arbitrary: plan.map(({ budgetId }): LedgerCommandBody => ({ type: 'RemoveBudget', budgetId })),
  },
)

/** Of each kind one that nothing before it can keep from being accepted. */
const certain = fc
  .record({ amountMinor: fc.bigInt({ min: 2n, max: 4_000n }), bookedOn, statementMinor: spending })
  .map(({ amountMinor, bookedOn: day, statementMinor }): readonly LedgerCommandBody[] => [
    recorded({ transactionId: 's-1', amountMinor: -amountMinor, bookedOn: day }),
    { ...splitInto(['groceries', -1n], ['travel', null]), transactionId: 's-1' },
    recorded({ transactionId: 's-2', amountMinor: -amountMinor, bookedOn: day }),
    amended({ transactionId: 's-2', amountMinor: -amountMinor - 1n, bookedOn: day - 40 }),
    { type: 'OverrideCategory', transactionId: 's-2', categoryId: 'health' },
    recorded({ transactionId: 's-3', amountMinor: -amountMinor, bookedOn: day }),
    { type: 'DeleteTransaction', transactionId: 's-3' },
    recorded({ transactionId: 's-5', accountId: 'a-3', currency: 'JPY', bookedOn: NEW_YEAR }),
    recorded({ transactionId: 's-6', accountId: 'a-5', currency: 'KWD', bookedOn: MARCH }),
    transferred({ toAccountId: 'a-4', amountMinor, bookedOn: day }),
    spent({ amountMinor, expenseOn: day }),
    respent({ categoryId: 'travel' }),
    budgeted({ budgetId: 'h-every', amountMinor }),
    budgeted({ budgetId: 'h-march', month: 674, amountMinor }),
    budgeted({ budgetId: 'h-january', month: 672, amountMinor: 1n }),
    { type: 'RemoveBudget', budgetId: 'h-january' },
    reconciled({ statementMinor, adjustmentId: 's-4' }),
  ])

export const arbitraryHousehold: fc.Arbitrary<readonly LedgerCommandBody[]> = fc
  .tuple(
    fc.tuple(...Array.from({ length: TRANSACTIONS }, (_, n) => recording(`h-${n}`))),
    fc.array(budget, { minLength: 4, maxLength: 10 }),
    fc.array(change, { minLength: 10, maxLength: 30 }),
    certain,
  )
  .map(([recordings, budgets, changes, rest]) => {
    const half = budgets.length >> 1
    const [early, late] = [budgets.slice(0, half), budgets.slice(half)]
    return [...beginning, ...early, ...recordings, ...changes, ...late, ...rest]
  })

/** Of what is there already; some are refused. */
export const arbitraryChanges: fc.Arbitrary<readonly LedgerCommandBody[]> = fc
  .tuple(fc.array(fc.oneof(change, budget), { minLength: 4, maxLength: 4 }), spending)
  .map(([changes, amountMinor]) => [
    ...changes,
    recorded({ transactionId: 'l-1', amountMinor, categoryId: 'health' }),
    amended({ transactionId: 'l-1', merchant: 'Market' }),
    transferred({ fromTransactionId: 'l-2', toTransactionId: 'l-3', toAccountId: 'a-4' }),
    reconciled({ adjustmentId: null }),
  ])
