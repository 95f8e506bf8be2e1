/**
 * What will be written over HTTP, by a gateway that is not there yet: its requests are the commands of
 * docs/commands.md, with amounts as decimals. The query API takes none of them.
 */
import { amountSchema, currencySchema, dateSchema, idSchema, monthSchema } from './schemas.ts'

const TEXT_LENGTH_MAX = 500
const NAME_LENGTH_MAX = 200
const BUDGET_NAME_LENGTH_MAX = 100

const text = (maxLength: number, description: string) =>
  ({ type: 'string', maxLength, description }) as const

function request<Properties extends Readonly<Record<string, unknown>>>(
  description: string,
  required: readonly (keyof Properties & string)[],
  properties: Properties,
) {
  return { type: 'object', description, additionalProperties: false, required, properties } as const
}

export const gatewaySchemas = {
  ConnectAccountRequest: request(
    'Connect accounts of a bank: the answer holds the address where the user consents.',
    ['institutionId', 'redirectUrl'],
    {
      institutionId: { type: 'string', maxLength: 64, description: 'The bank, as listed.' },
      redirectUrl: {
        type: 'string',
        format: 'uri',
        maxLength: 2_000,
        description: 'Where the bank sends the user afterwards; https.',
      },
      historyDays: {
        type: 'integer',
        minimum: 1,
        maximum: 730,
        description: 'How far back transactions are wanted; the bank may give less.',
      },
    },
  ),
  BankAuthResponse: {
    type: 'object',
    description: 'Where the user consents, and until when.',
    required: ['connectionId', 'authorizationUrl', 'expiresAt'],
    properties: {
      connectionId: idSchema,
      authorizationUrl: { type: 'string', format: 'uri' },
      expiresAt: { type: 'string', format: 'date-time', description: 'ISO 8601 in UTC' },
    },
  },
  CreateTransactionRequest: request(
    'Record a transaction: the command RecordTransaction, with the source `manual`.',
    ['transactionId', 'accountId', 'amount', 'currency'],
    {
      transactionId: {
        ...idSchema,
        description: 'Chosen by the caller: sent twice, it counts once.',
      },
      accountId: idSchema,
      amount: {
        ...amountSchema,
        description: 'A decimal number; spending is negative; never zero.',
      },
      currency: currencySchema,
      occurredAt: { type: 'string', format: 'date-time', description: 'Without it, now.' },
      bookedOn: {
        ...dateSchema,
        description: 'Without it, the date of occurredAt where the user is.',
      },
      categoryId: { ...idSchema, description: 'Without it the engine chooses.' },
      mcc: { type: 'string', pattern: '^\\d{4}$', description: 'ISO 18245' },
      description: text(TEXT_LENGTH_MAX, 'As the bank or the user gave it.'),
      merchant: text(NAME_LENGTH_MAX, 'Where the caller knows it.'),
      counterparty: text(NAME_LENGTH_MAX, 'The other side: a name or an account number.'),
      note: text(TEXT_LENGTH_MAX, "The user's own remark."),
    },
  ),
  CreateBudgetRequest: request(
    'Set a budget, or set it anew: the command SetBudget.',
    ['budgetId', 'categoryId', 'amount', 'currency'],
    {
      budgetId: {
        ...idSchema,
        description: 'Chosen by the caller, for ever of its category, currency and month.',
      },
      categoryId: idSchema,
      amount: { ...amountSchema, description: 'What may be spent; zero or more.' },
      currency: currencySchema,
      month: {
        ...monthSchema,
        description: 'Without it, every month that has no budget of its own.',
      },
      thresholds: {
        type: 'array',
        minItems: 1,
        maxItems: 10,
        items: { type: 'integer', minimum: 1, maximum: 1_000 },
        default: [80, 90, 100],
        description: 'Percentages that are worth a warning, ascending.',
      },
      name: text(BUDGET_NAME_LENGTH_MAX, 'What the user calls it.'),
    },
  ),
} as const
