import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { commandFromJson, commandToJson } from '../../connectors/command-json.ts'
import { MINOR_MAX, MINOR_MIN } from '../../schemas/money.ts'
import type { LedgerCommand, LedgerCommandBody } from '../../schemas/types.ts'

const NOW = Date.UTC(2026, 0, 5, 12)
const RANDOM = '00000000-0000-4000-8000-000000000001'

function read(value: unknown): LedgerCommand {
  return commandFromJson(value, { now: NOW, newId: () => RANDOM })
}

const noTexts = { description: null, merchant: null, counterparty: null, note: null }

type OperatorType = 'UnparkLedger' | 'ResumeCommand'

/** Every type: the shortest JSON, and the body it stands for. */
const shortest: {
  readonly [Type in Exclude<LedgerCommandBody['type'], OperatorType>]: readonly [
    json: { readonly [name: string]: unknown },
    body: Omit<Extract<LedgerCommandBody, { readonly type: Type }>, 'type'>,
  ]
} = {
  OpenAccount: [
    { accountId: 'a', kind: 'savings', currency: 'NOK' },
    { accountId: 'a', kind: 'savings', currency: 'NOK', name: null, bankName: null },
  ],
  RenameAccount: [
    { accountId: 'a', name: 'b' },
    { accountId: 'a', name: 'b' },
  ],
  CloseAccount: [{ accountId: 'a' }, { accountId: 'a' }],
  RecordTransaction: [
    { transactionId: 't', accountId: 'a', amount: '-12.5', currency: 'NOK' },
    {
      transactionId: 't',
      accountId: 'a',
      amountMinor: -1250n,
      currency: 'NOK',
      occurredAt: NOW,
      bookedOn: null,
      source: 'manual',
      categoryId: null,
      mcc: null,
      ...noTexts,
      rawData: null,
    },
  ],
  AmendTransaction: [
    { transactionId: 't', amount: '12', currency: 'JPY' },
    { transactionId: 't', amountMinor: 12n, occurredAt: null, bookedOn: null, ...noTexts },
  ],
  DeleteTransaction: [{ transactionId: 't' }, { transactionId: 't' }],
  OverrideCategory: [
    { transactionId: 't', categoryId: 'c' },
    { transactionId: 't', categoryId: 'c' },
  ],
  CreateCategory: [
    { categoryId: 'c', name: 'b' },
    { categoryId: 'c', name: 'b' },
  ],
  RenameCategory: [
    { categoryId: 'c', name: 'b' },
    { categoryId: 'c', name: 'b' },
  ],
  DeleteCategory: [{ categoryId: 'c' }, { categoryId: 'c' }],
  SetPreferences: [{ locale: 'nb-NO' }, { baseCurrency: null, timeZone: null, locale: 'nb-NO' }],
  SetBudget: [
    { budgetId: 'b', categoryId: 'c', amount: '0.5', currency: 'NOK' },
    {
      budgetId: 'b',
      categoryId: 'c',
      amountMinor: 50n,
      currency: 'NOK',
      month: null,
      thresholds: null,
      name: null,
    },
  ],
  RemoveBudget: [{ budgetId: 'b' }, { budgetId: 'b' }],
  ReconcileAccount: [
    { accountId: 'a', currency: 'NOK', statementOn: '2026-01-04', statement: '1' },
    {
      accountId: 'a',
      currency: 'NOK',
      statementOn: 20_457,
      statementMinor: 100n,
      adjustmentId: null,
    },
  ],
  TransferMoney: [
    {
      fromTransactionId: 'f',
      toTransactionId: 't',
      fromAccountId: 'a',
      toAccountId: 'b',
      amount: '1',
      currency: 'JPY',
    },
    {
      fromTransactionId: 'f',
      toTransactionId: 't',
      fromAccountId: 'a',
      toAccountId: 'b',
      amountMinor: 1n,
      currency: 'JPY',
      occurredAt: NOW,
      bookedOn: null,
      description: null,
      note: null,
    },
  ],
  CreateExpense: [
    { expenseId: 'e', categoryId: 'c', amount: '1', currency: 'TZS', expenseOn: '2026-01-04' },
    {
      expenseId: 'e',
      categoryId: 'c',
      amountMinor: 100n,
      currency: 'TZS',
      expenseOn: 20_457,
      description: null,
    },
  ],
  UpdateExpense: [
    { expenseId: 'e', amount: '1', currency: 'TZS' },
    { expenseId: 'e', amountMinor: 100n, categoryId: null, expenseOn: null, description: null },
  ],
  DeleteExpense: [{ expenseId: 'e' }, { expenseId: 'e' }],
  DeleteTransfer: [
    { fromTransactionId: 'f', toTransactionId: 't' },
    { fromTransactionId: 'f', toTransactionId: 't' },
  ],
  SplitTransaction: [
    { transactionId: 't', parts: [] },
    { transactionId: 't', parts: [] },
  ],
  AdvanceTime: [{ until: '2026-03-01T00:00:00Z' }, { until: Date.UTC(2026, 2, 1) }],
}

const record = { type: 'RecordTransaction', ...shortest.RecordTransaction[0] }

describe('a command from JSON', () => {
  test.for(Object.entries(shortest))(
    '%s needs only its required fields',
    ([type, [json, body]]) => {
      expect(read({ userId: 'u', body: { type, ...json } })).toEqual({
        commandId: RANDOM,
        userId: 'u',
        issuedAt: NOW,
        expectedVersion: null,
        initiator: { kind: 'user', id: 'u' },
        traceparent: null,
        body: { type, ...body },
      })
    },
  )

  test('may say everything itself, with times as ISO 8601 or as milliseconds', () => {
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
    const command = read({
      commandId: RANDOM.replace('1', 'A'),
      userId: 'u',
      issuedAt: '2026-01-05T01:00:00+01:00',
      expectedVersion: 3,
      initiator: { kind: 'import', id: 'i' },
      traceparent,
      body: { ...record, occurredAt: 1_700_000_000_000, bookedOn: '2026-01-04', source: 'import' },
    })
    expect(command).toMatchObject({
      commandId: RANDOM.replace('1', 'a'),
      issuedAt: Date.UTC(2026, 0, 5),
      expectedVersion: 3,
      initiator: { kind: 'import', id: 'i' },
      traceparent,
      body: { occurredAt: 1_700_000_000_000, bookedOn: 20_457, source: 'import' },
    })
  })

  test('a line that names a date and no time means the same whenever it is sent', () => {
    const { body } = read({ userId: 'u', body: { ...record, bookedOn: '2026-01-04' } })
    expect(body).toMatchObject({ bookedOn: 20_457, occurredAt: Date.UTC(2026, 0, 4) })
  })

  test.for([
    ['-1250', -1250n],
    [-1250, -1250n],
    [MINOR_MAX.toString(), MINOR_MAX],
    [MINOR_MIN.toString(), MINOR_MIN],
  ] as const)('takes %s minor units instead of an amount', ([amountMinor, minor]) => {
    const body = { ...record, amount: undefined, amountMinor }
    expect(read({ userId: 'u', body }).body).toMatchObject({ amountMinor: minor })
  })

  test.for([
    [{ amount: '12,50' }, 'body.amount: "12,50" is not a plain decimal number'],
    [{ amount: 12.5 }, 'body.amount: 12.5 is a JSON number, which may be rounded: write "12.5"'],
    [{ amount: '1.005' }, 'body.amount: "1.005" has more than the 2 decimals of NOK'],
    [{ amount: null }, 'body.amount: is missing'],
    [{ amountMinor: '1' }, 'body.amountMinor: amount is given as well'],
    [{ amountMinor: 1.5 }, 'body.amountMinor: 1.5 is not a whole number of minor units'],
    [{ amountMinor: 2 ** 53 }, 'body.amountMinor: 9007199254740992 is not a whole number'],
    [{ amountMinor: '9223372036854775808' }, 'body.amountMinor: "9223372036854775808" is beyond'],
    [{ currency: 'XXQ' }, 'body.currency: "XXQ" is not an ISO 4217 currency'],
    [{ currency: undefined }, 'body.currency: is missing'],
    [{ accountId: 'a b' }, 'body.accountId: "a b" is not an id'],
    [{ accountID: 'a' }, 'body.accountID: there is no such field: is accountId meant?'],
    [{ ammount: '1' }, 'body.ammount: there is no such field: is amount meant?'],
    [{ nothingLikeIt: 1 }, 'body.nothingLikeIt: there is no such field'],
    [{ occurredAt: '2026-01-05T10:00:00' }, 'body.occurredAt: "2026-01-05T10:00:00" is not an'],
    [{ occurredAt: '2026-02-30T10:00:00Z' }, 'body.occurredAt: "2026-02-30T10:00:00Z" is not an'],
    [{ occurredAt: '2026-01-05T25:00Z' }, 'body.occurredAt: "2026-01-05T25:00Z" is not an'],
    [{ occurredAt: 1.5 }, 'body.occurredAt: 1.5 is not an instant'],
    [{ bookedOn: '2026-02-30' }, 'body.bookedOn: "2026-02-30" is not a date YYYY-MM-DD'],
    [{ source: 'bank-sync' }, 'body.source: "bank-sync" is none of manual, import, bank_sync'],
    [{ note: 5 }, 'body.note: 5 is not a string'],
    [{ note: '\ud800' }, 'body.note: is not well-formed Unicode'],
    [{ type: 'RecordTransactions' }, 'body.type: "RecordTransactions" is none of OpenAccount'],
    [{ type: 'toString' }, 'body.type: "toString" is none of'],
    [{ type: undefined }, 'body.type: is missing'],
  ] as const)('%# is refused with path and reason: %s', ([change, message]) => {
    expect(() => read({ userId: 'u', body: { ...record, ...change } })).toThrow(
      expect.objectContaining({
        code: 'SALDO_INPUT_INVALID',
        message: expect.stringContaining(message),
      }),
    )
  })

  test.for([
    [{ month: '2026-13' }, 'body.month: "2026-13" is not a month YYYY-MM'],
    [{ month: 3 }, 'body.month: 3 is not a month YYYY-MM'],
    [{ thresholds: 80 }, 'body.thresholds: 80 is not a list'],
    [{ thresholds: [80, '90'] }, 'body.thresholds.1: "90" is not a whole number'],
    [{ amount: undefined }, 'body.amount: is missing'],
  ] as const)('a budget with %j is refused', ([change, message]) => {
    const body = { type: 'SetBudget', ...shortest.SetBudget[0], ...change }
    expect(() => read({ userId: 'u', body })).toThrow(message)
  })

  test.for([
    [{ statement: undefined }, 'body.statement: is missing'],
    [{ statementMinor: 5 }, 'body.statementMinor: statement is given as well'],
    [{ statement: '1.005' }, 'body.statement: "1.005" has more than the 2 decimals of NOK'],
  ] as const)('a reconciliation with %j is refused', ([change, message]) => {
    const body = { type: 'ReconcileAccount', ...shortest.ReconcileAccount[0], ...change }
    expect(() => read({ userId: 'u', body })).toThrow(message)
  })

  test('a split has amounts in the currency that it names, minor units, or shares', () => {
    const split = { type: 'SplitTransaction', transactionId: 't' }
    const parts = [
      { categoryId: 'c', amount: '-1.5' },
      { categoryId: 'd', amountMinor: -7 },
      { categoryId: 'e' },
    ]
    expect(read({ userId: 'u', body: { ...split, currency: 'NOK', parts } }).body).toEqual({
      ...split,
      parts: [
        { categoryId: 'c', amountMinor: -150n },
        { categoryId: 'd', amountMinor: -7n },
        { categoryId: 'e', amountMinor: null },
      ],
    })
    expect(() => read({ userId: 'u', body: { ...split, parts } })).toThrow(
      'body.parts.0.currency: is missing',
    )
    const withoutAmounts = { ...split, currency: 'NOK', parts: parts.slice(1) }
    expect(() => read({ userId: 'u', body: withoutAmounts })).toThrow(
      'body.currency: says how to read',
    )
    expect(() => read({ userId: 'u', body: { ...split, parts: [{ amount: '1' }] } })).toThrow(
      'body.parts.0.categoryId: is missing',
    )
  })

  test.for([
    [[], '[] is not an object'],
    [null, 'null is not an object'],
    [{ body: record }, 'userId: is missing'],
    [{ userId: 'u' }, 'body: is missing'],
    [{ userId: 'u', body: [] }, 'body: [] is not an object'],
    [{ userId: 'u', body: record, commandId: 'x' }, 'commandId: "x" is not a uuid'],
    [{ userId: 'u', body: record, expectedVersion: -1 }, 'expectedVersion: -1 is not'],
    [{ userId: 'u', body: record, traceparent: 'x' }, 'traceparent: "x" is not'],
    [{ userId: 'u', body: record, initiator: { kind: 'user' } }, 'initiator.id: is missing'],
    [{ userId: 'u', body: record, user: 'u' }, 'user: there is no such field'],
    [JSON.parse('{"userId":"u","body":{},"__proto__":{}}'), '__proto__: there is no such field'],
  ] as const)('%# is refused as a whole: %s', ([value, message]) => {
    expect(() => read(value)).toThrow(message)
  })

  test.for([
    [{ amount: '1' }, 'body.currency: is missing: it says how many decimals amount has'],
    [{ currency: 'NOK' }, 'body.currency: says how to read amount, which is missing'],
  ] as const)('an amendment %j is refused', ([change, message]) => {
    const body = { type: 'AmendTransaction', transactionId: 't', ...change }
    expect(() => read({ userId: 'u', body })).toThrow(message)
    const update = { type: 'UpdateExpense', expenseId: 'e', ...change }
    expect(() => read({ userId: 'u', body: update })).toThrow(message)
  })
})

const anId = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,20}$/)
const text = fc.string({ unit: 'grapheme', maxLength: 10 })
const maybe = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: null })
const currency = fc.constantFrom('NOK', 'JPY', 'TND', 'CLF')
const amountMinor = fc.bigInt({ min: MINOR_MIN, max: MINOR_MAX })
const occurredAt = fc.integer({ min: -(10 ** 15), max: 10 ** 15 })
const bookedOn = fc.integer({ min: 0, max: 100_000 })
const texts = {
  description: maybe(text),
  merchant: maybe(text),
  counterparty: maybe(text),
  note: maybe(text),
}

const anyBody: fc.Arbitrary<LedgerCommandBody> = fc.oneof(
  fc.record({
    type: fc.constant('RecordTransaction' as const),
    transactionId: anId,
    accountId: anId,
    amountMinor,
    currency,
    occurredAt,
    bookedOn: maybe(bookedOn),
    source: fc.constantFrom('manual', 'import', 'bank_sync'),
    categoryId: maybe(anId),
    mcc: maybe(text),
    ...texts,
    rawData: maybe(text),
  }),
  fc.record({
    type: fc.constant('AmendTransaction' as const),
    transactionId: anId,
    amountMinor: maybe(amountMinor),
    occurredAt: maybe(occurredAt),
    bookedOn: maybe(bookedOn),
    ...texts,
  }),
  fc.record({
    type: fc.constant('OpenAccount' as const),
    accountId: anId,
    kind: fc.constantFrom('checking', 'savings', 'credit', 'cash'),
    currency,
    name: maybe(text),
    bankName: maybe(text),
  }),
  fc.record({ type: fc.constant('RenameCategory' as const), categoryId: anId, name: text }),
  fc.record({
    type: fc.constant('SetPreferences' as const),
    baseCurrency: maybe(currency),
    timeZone: maybe(text),
    locale: maybe(text),
  }),
  fc.record({
    type: fc.constant('SetBudget' as const),
    budgetId: anId,
    categoryId: anId,
    amountMinor,
    currency,
    month: maybe(fc.integer({ min: 0, max: 12 * 1_000 })),
    thresholds: maybe(fc.array(fc.nat({ max: 1_000 }))),
    name: maybe(text),
  }),
  fc.record({
    type: fc.constant('TransferMoney' as const),
    fromTransactionId: anId,
    toTransactionId: anId,
    fromAccountId: anId,
    toAccountId: anId,
    amountMinor,
    currency,
    occurredAt,
    bookedOn: maybe(bookedOn),
    description: maybe(text),
    note: maybe(text),
  }),
  fc.record({
    type: fc.constant('CreateExpense' as const),
    expenseId: anId,
    categoryId: anId,
    amountMinor,
    currency,
    expenseOn: bookedOn,
    description: maybe(text),
  }),
  fc.record({
    type: fc.constant('UpdateExpense' as const),
    expenseId: anId,
    categoryId: maybe(anId),
    amountMinor: maybe(amountMinor),
    expenseOn: maybe(bookedOn),
    description: maybe(text),
  }),
  fc.record({
    type: fc.constant('ReconcileAccount' as const),
    accountId: anId,
    currency,
    statementOn: bookedOn,
    statementMinor: amountMinor,
    adjustmentId: maybe(anId),
  }),
  fc.record({
    type: fc.constant('SplitTransaction' as const),
    transactionId: anId,
    parts: fc.array(fc.record({ categoryId: anId, amountMinor: maybe(amountMinor) })),
  }),
)

test('a command written as JSON is read as the same command', () => {
  const anyCommand = fc.record({
    commandId: fc.uuid(),
    userId: anId,
    issuedAt: occurredAt,
    expectedVersion: maybe(fc.nat()),
    initiator: fc.record({ kind: fc.constantFrom('user', 'operator'), id: anId }),
    traceparent: fc.constant(null),
    body: anyBody,
  })
  const roundTrip = fc.property(anyCommand, (command) => {
    expect(read(JSON.parse(JSON.stringify(commandToJson(command))))).toEqual(command)
  })
  fc.assert(roundTrip, { numRuns: 300 })
})

test('an amount is written as a decimal where the command names its currency', () => {
  expect(commandToJson(read({ userId: 'u', body: record }))['body']).toMatchObject({
    amount: '-12.50',
    occurredAt: '2026-01-05T12:00:00.000Z',
  })
  const amendment = { type: 'AmendTransaction', transactionId: 't', amountMinor: '-5' }
  expect(commandToJson(read({ userId: 'u', body: amendment }))['body']).toEqual(amendment)
})
