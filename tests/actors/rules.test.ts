import { describe, expect, test } from 'vitest'
import type { Rule } from '../../actors/rules.ts'
import { given, NOW, sent, type Envelope, type Given } from '../support/specification.ts'
import type { LedgerCommandBody } from '../../schemas/types.ts'
import {
  amended,
  budgeted,
  created,
  deleted,
  groceries,
  opened,
  openedIn,
  preferences,
  recorded,
  respent,
  splitInto,
  transferred,
} from '../support/example-commands.ts'

type Case = {
  readonly given: readonly Given[]
  readonly when: LedgerCommandBody
  readonly envelope?: Envelope
  readonly path: string
}

/** Rules that no history of sent commands reaches: tests/actors/parking.test.ts has theirs. */
type OfParking = 'event-too-large' | 'parked-commands-left' | 'parking-changed'

/** One example of each rule. A new rule does not compile until it is here. */
const examples: { readonly [rule in Exclude<Rule, OfParking>]: Case } = {
  'account-closed': {
    given: [opened, { type: 'CloseAccount', accountId: 'a-1' }],
    when: groceries,
    path: 'accountId',
  },
  'account-missing': { given: [], when: groceries, path: 'accountId' },
  'accounts-same': {
    given: [opened],
    when: transferred({ toAccountId: 'a-1' }),
    path: 'toAccountId',
  },
  'amount-not-positive': {
    given: [opened, openedIn('NOK', 'a-2')],
    when: transferred({ amountMinor: 0n }),
    path: 'amountMinor',
  },
  'amount-negative': { given: [], when: budgeted({ amountMinor: -1n }), path: 'amountMinor' },
  'amount-over-limit': {
    given: [opened],
    when: recorded({ amountMinor: 10n ** 15n + 1n }),
    path: 'amountMinor',
  },
  'amount-zero': { given: [opened], when: recorded({ amountMinor: 0n }), path: 'amountMinor' },
  'balance-not-zero': {
    given: [opened, groceries],
    when: { type: 'CloseAccount', accountId: 'a-1' },
    path: 'accountId',
  },
  'balance-over-limit': {
    given: [opened, ...fullAccount()],
    when: recorded({ transactionId: 'one-more', amountMinor: 10n ** 15n }),
    path: 'amountMinor',
  },
  'budget-missing': {
    given: [],
    when: { type: 'RemoveBudget', budgetId: 'b-1' },
    path: 'budgetId',
  },
  'budget-taken': {
    given: [budgeted({})],
    when: budgeted({ budgetId: 'b-2' }),
    path: 'budgetId',
  },
  'budgets-over-limit': {
    given: Array.from({ length: 1_000 }, (_, n) => budgetOfMonth(n)),
    when: budgeted({ budgetId: 'one-more' }),
    path: 'budgetId',
  },
  'categories-over-limit': {
    given: Array.from({ length: 100 }, (_, n) => created(`c-${n}`, `Name ${n}`)),
    when: created('c-100', 'Name 100'),
    path: 'categoryId',
  },
  'category-built-in': { given: [], when: created('groceries', 'Mine'), path: 'categoryId' },
  'category-in-use': {
    given: [opened, created('c-1', 'Pets'), recorded({ categoryId: 'c-1' })],
    when: { type: 'DeleteCategory', categoryId: 'c-1' },
    path: 'categoryId',
  },
  'category-repeated': {
    given: [opened, groceries],
    when: splitInto(['health', -1n], ['health', null]),
    path: 'parts.1.categoryId',
  },
  'category-unknown': {
    given: [opened],
    when: recorded({ categoryId: 'c-1' }),
    path: 'categoryId',
  },
  'currency-mismatch': { given: [opened], when: recorded({ currency: 'USD' }), path: 'currency' },
  'currency-unknown': { given: [], when: openedIn('nok'), path: 'currency' },
  'date-out-of-range': { given: [opened], when: recorded({ occurredAt: -1 }), path: 'occurredAt' },
  'expense-missing': { given: [], when: respent({}), path: 'expenseId' },
  'id-invalid': { given: [], when: { ...opened, accountId: 'a 1' }, path: 'accountId' },
  'id-taken': { given: [opened], when: openedIn('EUR'), path: 'accountId' },
  'ledger-erased': {
    given: [opened],
    when: groceries,
    envelope: { readable: false },
    path: 'userId',
  },
  'ledger-not-parked': {
    given: [opened],
    when: { type: 'UnparkLedger', parkedSequence: 1, through: 1 },
    path: 'userId',
  },
  'locale-unknown': { given: [], when: preferences({ locale: 'not a tag' }), path: 'locale' },
  'name-empty': { given: [], when: created('c-1', ' \u200b\t'), path: 'name' },
  'name-taken': {
    given: [created('c-1', 'Pets')],
    when: created('c-2', 'pets'),
    path: 'name',
  },
  'not-permitted': {
    given: [],
    when: { type: 'AdvanceTime', until: NOW },
    path: 'initiator',
  },
  'nothing-to-change': { given: [opened, groceries], when: amended({}), path: 'body' },
  'parts-out-of-range': {
    given: [opened, groceries],
    when: splitInto(['health', null]),
    path: 'parts',
  },
  'split-sign-mismatch': {
    given: [opened, groceries],
    when: splitInto(['health', 1n], ['travel', null]),
    path: 'parts.0.amountMinor',
  },
  'split-sum-mismatch': {
    given: [opened, groceries],
    when: splitInto(['health', -1n], ['travel', -1n]),
    path: 'parts',
  },
  'text-invalid': { given: [opened], when: recorded({ note: 'a\0b' }), path: 'note' },
  'text-too-long': {
    given: [opened],
    when: recorded({ description: 'x'.repeat(501) }),
    path: 'description',
  },
  'thresholds-invalid': { given: [], when: budgeted({ thresholds: [] }), path: 'thresholds' },
  'time-not-later': {
    given: [sent({ type: 'AdvanceTime', until: NOW }, { initiator: 'system' })],
    when: { type: 'AdvanceTime', until: NOW },
    envelope: { initiator: 'system' },
    path: 'until',
  },
  'time-zone-unknown': {
    given: [],
    when: preferences({ timeZone: 'Europe/Atlantis' }),
    path: 'timeZone',
  },
  'transaction-deleted': {
    given: [opened, groceries, deleted],
    when: deleted,
    path: 'transactionId',
  },
  'transaction-missing': { given: [opened], when: deleted, path: 'transactionId' },
  'transaction-split': {
    given: [opened, groceries, splitInto(['health', null], ['travel', null])],
    when: amended({ amountMinor: -1n }),
    path: 'transactionId',
  },
  'transfer-leg': {
    given: [opened, openedIn('NOK', 'a-2'), transferred({})],
    when: { type: 'DeleteTransaction', transactionId: 'to' },
    path: 'transactionId',
  },
  'transfer-missing': {
    given: [opened, groceries, recorded({ transactionId: 't-2' })],
    when: { type: 'DeleteTransfer', fromTransactionId: 't-1', toTransactionId: 't-2' },
    path: 'toTransactionId',
  },
  'version-conflict': {
    given: [opened],
    when: { type: 'CloseAccount', accountId: 'a-1' },
    envelope: { expectedVersion: 2 },
    path: 'expectedVersion',
  },
}

function budgetOfMonth(n: number): LedgerCommandBody {
  const currency = n < 500 ? 'NOK' : 'EUR'
  return budgeted({ budgetId: `b-${n}`, currency, month: n % 500 })
}

/** The largest balance that steps of the largest amount reach. */
function fullAccount(): readonly LedgerCommandBody[] {
  const steps = Number((2n ** 63n - 1n) / 10n ** 15n)
  return Array.from({ length: steps }, (_, n) =>
    recorded({ transactionId: `full-${n}`, amountMinor: 10n ** 15n }),
  )
}

describe('every rule says no at least once, names its field and leaves nothing', () => {
  test.each(Object.entries(examples).map(([rule, example]) => ({ rule: rule as Rule, example })))(
    '$rule',
    ({ rule, example }) => {
      const { outcome } = given(...example.given)
        .when(example.when, example.envelope)
        .expectRejected(rule, example.path).answer
      expect(outcome.aggregateType).not.toBeNull()
    },
  )
})
