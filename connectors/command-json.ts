/** Commands as JSON lines: what `saldo send` reads. */
import { isoDateOf, isoMonthOf } from '../schemas/dates.ts'
import { formatMinor } from '../schemas/money.ts'
import type {
  AccountKind,
  InitiatorKind,
  LedgerCommand,
  LedgerCommandBody,
  TransactionSource,
} from '../schemas/types.ts'
import { amountOf, requiredAmountOf, theAmount } from './amount-json.ts'
import { removeBudget, setBudget } from './budget-json.ts'
import { reconcileAccount } from './reconcile-json.ts'
import { deleteTransfer, transferMoney } from './transfer-json.ts'
import { splitTransaction } from './split-json.ts'
import { createExpense, deleteExpense, updateExpense } from './expense-json.ts'
import { instantToJson, type Json, type JsonObject } from './json.ts'
import {
  anObject,
  calendarDate,
  id,
  instant,
  misfit,
  oneOf,
  only,
  optional,
  required,
  shape,
  text,
  traceparent,
  uuid,
  wholeNumber,
} from './json-fields.ts'

const DAY_MS = 86_400_000

/** What producers send; the others are made by the verbs of the operator. */
type CommandType = Exclude<LedgerCommandBody['type'], 'UnparkLedger' | 'ResumeCommand'>
type BodyOf<Type extends CommandType> = Extract<LedgerCommandBody, { readonly type: Type }>

const accountKinds: readonly AccountKind[] = ['checking', 'savings', 'credit', 'cash']
const sources: readonly TransactionSource[] = ['manual', 'import', 'bank_sync']
const initiatorKinds: readonly InitiatorKind[] = [
  'user',
  'system',
  'bank_sync',
  'import',
  'operator',
]

const theTexts = {
  description: optional(text),
  merchant: optional(text),
  counterparty: optional(text),
  note: optional(text),
}

const recordFields = shape({
  type: only('RecordTransaction'),
  transactionId: required(id),
  accountId: required(id),
  ...theAmount,
  currency: required(text),
  occurredAt: optional(instant),
  bookedOn: optional(calendarDate),
  source: optional(oneOf(sources)),
  categoryId: optional(id),
  mcc: optional(text),
  ...theTexts,
  rawData: optional(text),
})

const amendFields = shape({
  type: only('AmendTransaction'),
  transactionId: required(id),
  ...theAmount,
  currency: optional(text),
  occurredAt: optional(instant),
  bookedOn: optional(calendarDate),
  ...theTexts,
})

type BodyReader<Type extends CommandType> = (
  value: unknown,
  path: string,
  now: number,
) => BodyOf<Type>

const bodyReaders: { readonly [Type in CommandType]: BodyReader<Type> } = {
  OpenAccount: shape({
    type: only('OpenAccount'),
    accountId: required(id),
    kind: required(oneOf(accountKinds)),
    currency: required(text),
    name: optional(text),
    bankName: optional(text),
  }),
  RenameAccount: shape({
    type: only('RenameAccount'),
    accountId: required(id),
    name: required(text),
  }),
  CloseAccount: shape({ type: only('CloseAccount'), accountId: required(id) }),
  RecordTransaction(value, path, now) {
    const { amount, amountMinor, ...fields } = recordFields(value, path)
    const given = { amount, amountMinor, currency: fields.currency }
    return {
      ...fields,
      amountMinor: requiredAmountOf(given, path),
      // A line that names a date means the same whenever it is sent; one that names nothing means now.
      occurredAt: fields.occurredAt ?? (fields.bookedOn === null ? now : fields.bookedOn * DAY_MS),
      source: fields.source ?? 'manual',
    }
  },
  AmendTransaction(value, path) {
    const { amount, amountMinor, currency, ...fields } = amendFields(value, path)
    if (currency !== null && amount === null) {
      throw misfit(`${path}.currency`, 'says how to read amount, which is missing')
    }
    return { ...fields, amountMinor: amountOf({ amount, amountMinor, currency }, path) }
  },
  DeleteTransaction: shape({ type: only('DeleteTransaction'), transactionId: required(id) }),
  OverrideCategory: shape({
    type: only('OverrideCategory'),
    transactionId: required(id),
    categoryId: required(id),
  }),
  CreateCategory: shape({
    type: only('CreateCategory'),
    categoryId: required(id),
    name: required(text),
  }),
  RenameCategory: shape({
    type: only('RenameCategory'),
    categoryId: required(id),
    name: required(text),
  }),
  DeleteCategory: shape({ type: only('DeleteCategory'), categoryId: required(id) }),
  SetPreferences: shape({
    type: only('SetPreferences'),
    baseCurrency: optional(text),
    timeZone: optional(text),
    locale: optional(text),
  }),
  SetBudget: setBudget,
  RemoveBudget: removeBudget,
  SplitTransaction: splitTransaction,
  AdvanceTime: shape({ type: only('AdvanceTime'), until: required(instant) }),
  ReconcileAccount: reconcileAccount,
  TransferMoney: transferMoney,
  DeleteTransfer: deleteTransfer,
  CreateExpense: createExpense,
  UpdateExpense: updateExpense,
  DeleteExpense: deleteExpense,
}

// The keys are the types: the table above lacks none and has no other.
const commandTypes = Object.keys(bodyReaders) as CommandType[]

const commandFields = shape({
  commandId: optional(uuid),
  userId: required(id),
  issuedAt: optional(instant),
  expectedVersion: optional(wholeNumber),
  initiator: optional(shape({ kind: required(oneOf(initiatorKinds)), id: required(id) })),
  traceparent: optional(traceparent),
  body: required(anObject),
})

export type CommandDefaults = {
  readonly now: number
  /** A random uuid, for commands that bring no id. */
  readonly newId: () => string
}

/** The command of one parsed JSON line; `SALDO_INPUT_INVALID` names the field that is wrong. */
export function commandFromJson(value: unknown, { now, newId }: CommandDefaults): LedgerCommand {
  const { commandId, userId, issuedAt, initiator, body, ...rest } = commandFields(value, '')
  const type = required(oneOf(commandTypes))(body['type'], 'body.type')
  return {
    ...rest,
    commandId: commandId ?? newId(),
    userId,
    issuedAt: issuedAt ?? now,
    initiator: initiator ?? { kind: 'user', id: userId },
    body: bodyReaders[type](body, 'body', now),
  }
}

/** The same command as `commandFromJson` reads it. */
export function commandToJson(command: LedgerCommand): JsonObject {
  const { body, issuedAt, initiator, ...rest } = command
  return {
    ...withoutNulls(rest),
    issuedAt: instantToJson(issuedAt),
    initiator: { ...initiator },
    body: bodyToJson(body),
  }
}

function bodyToJson(body: LedgerCommandBody): JsonObject {
  const currency = 'currency' in body ? body.currency : null
  return fieldsToJson(body, currency)
}

function fieldsToJson(fields: object, currency: string | null): JsonObject {
  const entries = Object.entries(fields).map(([name, value]) => fieldToJson(name, value, currency))
  return withoutNulls(Object.fromEntries(entries))
}

/** An amount is a decimal where the command names its currency. */
function fieldToJson(name: string, value: unknown, currency: string | null): [string, Json] {
  if (typeof value === 'bigint') {
    return currency === null
      ? [name, value.toString()]
      : [name.replace(/Minor$/, ''), formatMinor(value, currency)]
  }
  if (typeof value === 'number') {
    if (name.endsWith('On')) return [name, isoDateOf(value)]
    if (name.endsWith('At') || name === 'until') return [name, instantToJson(value)]
    return [name, name === 'month' ? isoMonthOf(value) : value]
  }
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value
    return [name, items.map((item) => itemToJson(item, currency))]
  }
  if (Buffer.isBuffer(value)) return [name, value.toString('base64')]
  // What is left is texts.
  return [name, value as Json]
}

function itemToJson(item: unknown, currency: string | null): Json {
  return typeof item === 'object' && item !== null ? fieldsToJson(item, currency) : (item as Json)
}

function withoutNulls(object: { readonly [name: string]: Json }): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null))
}
