/**
 * Random commands that get in each other's way on purpose: few users, few ids, names that clash, repeated command
 * ids, wrong currencies and versions. Histories of them reach every event and most rules.
 */
import fc from 'fast-check'
import type {
  CreateCategory,
  LedgerCommand,
  LedgerCommandBody,
  OpenAccount,
  RecordTransaction,
} from '../../schemas/types.ts'

/** Log time that the dates are chosen around: 2026-03-14 12:00 UTC. */
export const COMMANDS_AT = Date.UTC(2026, 2, 14, 12)
const DAY_MS = 86_400_000
const TODAY = Math.floor(COMMANDS_AT / DAY_MS)

const userId = fc.constantFrom('user-1', 'user-2', 'user-3')
const accountId = fc.constantFrom('a-1', 'a-2', 'a-3', 'a-4')
const currencyOf: { readonly [accountId: string]: string } = {
  'a-1': 'NOK',
  'a-2': 'EUR',
  'a-3': 'JPY',
  'a-4': 'NOK',
}
// `constructor` is an id like any other, which a plain object would not agree with.
const ownCategory = fc.constantFrom('c-1', 'c-2', 'constructor')
const category = fc.oneof(ownCategory, fc.constantFrom('groceries', 'health', 'c-9'))
const transactionId = fc.constantFrom(...Array.from({ length: 8 }, (_, n) => `t-${n}`))
const name = fc.constantFrom('Pets', 'pets', 'Boats', 'Caf\u00e9', 'Cafe\u0301', 'groceries', ' ')
const text = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('REMA 1000', 'salary', 'corner shop 😀', '') },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 30 }) },
  { weight: 1, arbitrary: fc.constantFrom('x'.repeat(501), 'a\0b') },
)
const textOrNone = fc.option(text, { freq: 2 })
const amountMinor = fc.oneof(
  { weight: 12, arbitrary: fc.bigInt({ min: -5_000n, max: 5_000n }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(10n ** 15n, -(10n ** 15n), 10n ** 15n + 1n, 2n ** 63n - 1n),
  },
)
const occurredAt = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: COMMANDS_AT - 90 * DAY_MS, max: COMMANDS_AT }) },
  { weight: 1, arbitrary: fc.constantFrom(0, -1, COMMANDS_AT + 400 * DAY_MS) },
)
const bookedOn = fc.option(
  fc.oneof(
    { weight: 12, arbitrary: fc.integer({ min: TODAY - 90, max: TODAY }) },
    { weight: 1, arbitrary: fc.constantFrom(0, -1, TODAY + 400) },
  ),
)

/** The currency of the account, now and then another one. */
function currency(account: string): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 14, arbitrary: fc.constant(currencyOf[account] ?? 'NOK') },
    { weight: 1, arbitrary: fc.constantFrom('NOK', 'EUR', 'JPY', 'XXX') },
  )
}

const openAccount: fc.Arbitrary<OpenAccount> = accountId.chain((id) =>
  fc.record({
    type: fc.constant('OpenAccount'),
    accountId: fc.constant(id),
    kind: fc.constantFrom('checking', 'savings', 'credit', 'cash'),
    currency: currency(id),
    name: fc.option(name),
    bankName: fc.constant(null),
  }),
)

const recordTransaction: fc.Arbitrary<RecordTransaction> = accountId.chain((id) =>
  fc.record({
    type: fc.constant('RecordTransaction'),
    transactionId,
    accountId: fc.constant(id),
    amountMinor,
    currency: currency(id),
    occurredAt,
    bookedOn,
    source: fc.constantFrom('manual', 'import', 'bank_sync'),
    categoryId: fc.option(category, { freq: 3 }),
    mcc: fc.constantFrom(null, '5411'),
    description: textOrNone,
    merchant: textOrNone,
    counterparty: fc.constant(null),
    note: textOrNone,
    rawData: fc.constant(null),
  }),
)

const createCategory: fc.Arbitrary<CreateCategory> = fc.record({
  type: fc.constant('CreateCategory'),
  categoryId: ownCategory,
  name,
})

const change: fc.Arbitrary<LedgerCommandBody> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('AmendTransaction'),
      transactionId,
      amountMinor: fc.option(amountMinor),
      occurredAt: fc.option(occurredAt),
      bookedOn,
      description: textOrNone,
      merchant: textOrNone,
      counterparty: fc.constant(null),
      note: textOrNone,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant('DeleteTransaction'), transactionId }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('OverrideCategory'),
      transactionId,
      categoryId: category,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('RenameAccount'), accountId, name }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('CloseAccount'), accountId }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('RenameCategory'), categoryId: ownCategory, name }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constant('DeleteCategory'), categoryId: ownCategory }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('SetPreferences'),
      baseCurrency: fc.option(fc.constantFrom('NOK', 'EUR', 'kroner')),
      timeZone: fc.option(fc.constantFrom('UTC', 'Europe/Oslo', 'Africa/Dar_es_Salaam', 'Nowhere')),
      locale: fc.option(fc.constantFrom('en', 'nb-NO', '!')),
    }),
  },
)

const budgetId = fc.constantFrom('b-1', 'b-2', 'b-3')
const budget: fc.Arbitrary<LedgerCommandBody> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('SetBudget'),
      budgetId,
      categoryId: fc.constantFrom('groceries', 'groceries', 'health', 'c-1', 'c-2', 'c-9'),
      currency: fc.constantFrom('NOK', 'NOK', 'NOK', 'NOK', 'NOK', 'EUR', 'kroner'),
      month: fc.constantFrom(null, null, null, 674, 674, 675, -1),
      amountMinor: fc.constantFrom(0n, 1n, 500n, 500_000n, 700_000n, -1n),
      thresholds: fc.constantFrom(null, null, [50], [100], [80, 80]),
      name: fc.option(name),
    }),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('RemoveBudget'), budgetId }) },
)

const reconcileAccount: fc.Arbitrary<LedgerCommandBody> = accountId.chain((id) =>
  fc.record({
    type: fc.constant('ReconcileAccount'),
    accountId: fc.constant(id),
    currency: currency(id),
    statementOn: fc.integer({ min: TODAY - 90, max: TODAY }),
    statementMinor: fc.oneof(amountMinor, fc.constant(0n)),
    adjustmentId: fc.option(transactionId, { nil: null }),
  }),
)

/** Mostly between the two accounts of one currency, under ids that seldom meet by chance. */
const legs = fc.constantFrom(['x-1', 'x-2'], ['x-3', 'x-4'], ['x-2', 'x-1'], ['t-1', 'x-5'])
const transferMoney: fc.Arbitrary<LedgerCommandBody> = fc
  .tuple(legs, fc.constantFrom(['a-1', 'a-4'], ['a-4', 'a-1'], ['a-1', 'a-2'], ['a-1', 'a-1']))
  .chain(([[from = '', to = ''], [fromAccountId = '', toAccountId = '']]) =>
    fc.record({
      type: fc.constant('TransferMoney'),
      fromTransactionId: fc.constant(from),
      toTransactionId: fc.constant(to),
      fromAccountId: fc.constant(fromAccountId),
      toAccountId: fc.constant(toAccountId),
      amountMinor: fc.constantFrom(1n, 700n, 5_000n, 10n ** 15n, 0n),
      currency: currency(fromAccountId),
      occurredAt,
      bookedOn,
      description: textOrNone,
      note: textOrNone,
    }),
  )
const transfer: fc.Arbitrary<LedgerCommandBody> = fc.oneof(
  { weight: 5, arbitrary: transferMoney },
  {
    weight: 2,
    arbitrary: legs.map(([fromTransactionId = '', toTransactionId = '']) => ({
      type: 'DeleteTransfer' as const,
      fromTransactionId,
      toTransactionId,
    })),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('DeleteTransaction'),
      transactionId: fc.constantFrom('x-1', 'x-2', 'x-3'),
    }),
  },
)

const expenseId = fc.constantFrom('e-1', 'e-2', 't-1')
const expenseMinor = fc.constantFrom(1n, 450n, 450n, 99_999_999n, 100_000_000n, 100_000_001n, 0n)
const expense: fc.Arbitrary<LedgerCommandBody> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('CreateExpense'),
      expenseId,
      categoryId: fc.constantFrom('groceries', 'dining', 'c-1', 'c-9'),
      amountMinor: expenseMinor,
      currency: fc.constantFrom('TZS', 'TZS', 'TZS', 'NOK', 'shillings'),
      expenseOn: fc.integer({ min: TODAY - 90, max: TODAY }),
      description: textOrNone,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('UpdateExpense'),
      expenseId,
      categoryId: fc.constantFrom(null, 'groceries', 'dining', 'c-1'),
      amountMinor: fc.option(expenseMinor, { nil: null }),
      expenseOn: fc.constantFrom(null, TODAY, TODAY - 1),
      description: textOrNone,
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('DeleteExpense'), expenseId }) },
)

/** Mostly shares of what is left, because the amount of the transaction is anybody's guess. */
const splitTransaction: fc.Arbitrary<LedgerCommandBody> = fc.record({
  type: fc.constant('SplitTransaction'),
  transactionId,
  parts: fc.uniqueArray(
    fc.record({
      categoryId: fc.oneof(
        { weight: 4, arbitrary: fc.constantFrom('groceries', 'health', 'dining', 'travel') },
        { weight: 1, arbitrary: category },
      ),
      amountMinor: fc.constantFrom(null, null, null, null, -1n, 1n),
    }),
    { maxLength: 4, size: 'max', selector: ({ categoryId }) => categoryId },
  ),
})

/** Any wish: creations more often than they can succeed, because everything else needs them. */
export const arbitraryBody: fc.Arbitrary<LedgerCommandBody> = fc.oneof(
  { weight: 5, arbitrary: openAccount },
  { weight: 5, arbitrary: createCategory },
  { weight: 14, arbitrary: recordTransaction },
  { weight: 12, arbitrary: change },
  { weight: 5, arbitrary: budget },
  { weight: 6, arbitrary: splitTransaction },
  { weight: 3, arbitrary: reconcileAccount },
  { weight: 6, arbitrary: transfer },
  { weight: 6, arbitrary: expense },
)

/** One in eight has the id of another command; the others have one of their own. */
const commandId = fc.oneof(
  { weight: 7, arbitrary: fc.uuid({ version: 4 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '00000000-0000-4000-8000-000000000001',
      '00000000-0000-4000-8000-000000000002',
      '00000000-0000-4000-8000-000000000003',
    ),
  },
)

export const arbitraryCommand: fc.Arbitrary<LedgerCommand> = fc.record({
  commandId,
  userId,
  issuedAt: fc.integer({ min: COMMANDS_AT - DAY_MS, max: COMMANDS_AT }),
  expectedVersion: fc.oneof(
    { weight: 10, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 3 }) },
  ),
  initiator: fc.record({
    kind: fc.constantFrom('user', 'system', 'bank_sync', 'import', 'operator'),
    id: fc.constantFrom('user-1', 'bank-1'),
  }),
  traceparent: fc.constantFrom(null, '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'),
  body: arbitraryBody,
})

/** Every account of every user, so that what needs one seldom fails for want of it. */
const openings: readonly LedgerCommand[] = ['user-1', 'user-2', 'user-3'].flatMap((user, n) =>
  Object.entries(currencyOf).map(([id, inCurrency], m) => ({
    commandId: `00000000-0000-4000-9000-${String(n * 4 + m).padStart(12, '0')}`,
    userId: user,
    issuedAt: COMMANDS_AT,
    expectedVersion: null,
    initiator: { kind: 'user' as const, id: user },
    traceparent: null,
    body: {
      type: 'OpenAccount' as const,
      accountId: id,
      kind: 'checking' as const,
      currency: inCurrency,
      name: null,
      bankName: null,
    },
  })),
)

/** Commands in the order of the log, some of them sent twice; half of the histories begin with open accounts. */
export function arbitraryHistory(commandsMax: number): fc.Arbitrary<readonly LedgerCommand[]> {
  const sentTwice = fc.tuple(arbitraryCommand, fc.integer({ min: 0, max: 9 }))
  return fc
    .tuple(fc.boolean(), fc.array(sentTwice, { maxLength: commandsMax, size: 'max' }))
    .map(([begun, commands]) => [
      ...(begun ? openings : []),
      ...commands.flatMap(([one, again]) => (again === 0 ? [one, one] : [one])),
    ])
}
