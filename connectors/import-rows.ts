/**
 * Rows of a bank file to commands.
 *
 * Invariant: the id of a transaction depends on the content of its row and on how many equal rows
 * came before it, and on nothing else in the file. So a file imported twice, whole or overlapping,
 * records nothing twice, and equal purchases in one file are all kept.
 */
import { uuidFromHex } from '../schemas/ids.ts'
import { isCurrency, MINOR_MIN } from '../schemas/money.ts'
import type { RecordTransaction } from '../schemas/types.ts'
import { quoted, readAmount, readDate, readText, type Read } from './cells.ts'
import type { RowProblem } from './csv-records.ts'
import type { CsvRow } from './csv.ts'
import type { Profile } from './profiles/profile.ts'

export type ImportItem =
  | {
      readonly line: number
      readonly kind: 'command'
      readonly commandId: string
      readonly body: RecordTransaction
    }
  | RowProblem

export type ImportRequest = {
  readonly rows: AsyncIterable<CsvRow | RowProblem>
  readonly profile: Profile
  readonly account: { readonly accountId: string; readonly currency: string }
  /** HMAC with the subject's key, lower-case hex: content alone could be guessed and tried against a plain hash. */
  readonly identify: (text: string) => string
}

const RAW_CHARACTERS_MAX = 20_000

export async function* importRows(request: ImportRequest): AsyncGenerator<ImportItem> {
  const { rows, profile, account, identify } = request
  // Grows by one entry of some hundred bytes per distinct row; everything else is streamed.
  const occurrences = new Map<string, number>()
  for await (const row of rows) {
    const read = row.kind === 'problem' ? row : readRow(row, profile, account.currency)
    if (read.kind === 'problem') {
      yield read
      continue
    }
    const content = identify(contentOf(account.accountId, read))
    const occurrence = occurrences.get(content) ?? 0
    occurrences.set(content, occurrence + 1)
    const transactionId = uuidFromHex(identify(`transaction ${content} ${occurrence}`))
    const commandId = uuidFromHex(identify(`command ${transactionId}`))
    yield {
      line: row.line,
      kind: 'command',
      commandId,
      body: {
        type: 'RecordTransaction',
        transactionId,
        accountId: account.accountId,
        ...read.values,
        source: 'import',
        categoryId: null,
        mcc: null,
      },
    }
  }
}

type Values = Pick<
  RecordTransaction,
  | 'amountMinor'
  | 'currency'
  | 'occurredAt'
  | 'bookedOn'
  | 'description'
  | 'merchant'
  | 'counterparty'
  | 'note'
  | 'rawData'
>

type ReadRow = {
  readonly kind: 'read'
  readonly reference: string | null
  readonly values: Values
}

/** A remark of the user may be written later and the raw row may gain a column: neither makes it another purchase. */
function contentOf(accountId: string, { reference, values }: ReadRow): string {
  return JSON.stringify([
    'imported row',
    accountId,
    values.bookedOn,
    values.occurredAt,
    values.amountMinor.toString(),
    values.currency,
    reference,
    values.description,
    values.merchant,
    values.counterparty,
  ])
}

function readRow(row: CsvRow, profile: Profile, accountCurrency: string): ReadRow | RowProblem {
  const { line, cells } = row
  const problem = (path: string, sentence: string): RowProblem => {
    return { kind: 'problem', line, path, sentence }
  }
  const date = readDate(cells.date ?? '', profile)
  if (!date.ok) return problem('date', date.sentence)
  const currency = readText(cells.currency)?.toUpperCase() ?? accountCurrency
  if (!isCurrency(currency)) {
    return problem('currency', `${quoted(currency)} is not an ISO 4217 currency`)
  }
  const amount = signedAmount(cells, currency, profile)
  if (!amount.ok) return problem('amount', amount.sentence)
  const rawData = JSON.stringify(row.fields)
  if (rawData.length > RAW_CHARACTERS_MAX) {
    return problem('row', `the row is longer than ${RAW_CHARACTERS_MAX} characters`)
  }
  const values = {
    amountMinor: amount.value,
    currency,
    ...date.value,
    description: readText(cells.description),
    merchant: readText(cells.merchant),
    counterparty: readText(cells.counterparty),
    note: readText(cells.note),
    rawData,
  }
  return { kind: 'read', reference: readText(cells.reference), values }
}

/** Spending is negative, whatever sign the bank uses. */
function signedAmount(cells: CsvRow['cells'], currency: string, profile: Profile): Read<bigint> {
  const { amounts } = profile
  if (amounts.kind === 'one') {
    const read = readAmount(cells.amount ?? '', currency, profile)
    if (!read.ok || amounts.sign === 'negative-is-spending') return read
    // The one amount of 64 bits whose opposite is not.
    if (read.value === MINOR_MIN) return { ok: false, sentence: 'the amount is beyond 64 bits' }
    return { ok: true, value: -read.value }
  }
  const debit = readSide(cells.debit, currency, profile)
  if (!debit.ok) return debit
  const credit = readSide(cells.credit, currency, profile)
  if (!credit.ok) return credit
  if (debit.value === undefined && credit.value === undefined) {
    return { ok: false, sentence: 'the amount is empty: neither column has one' }
  }
  const out = debit.value ?? 0n
  const into = credit.value ?? 0n
  if (out !== 0n && into !== 0n) {
    const sentence = `both columns have an amount: ${quoted(cells.debit ?? '')} and ${quoted(cells.credit ?? '')}`
    return { ok: false, sentence }
  }
  if (into < 0n || (out < 0n && amounts.debitSign === 'positive')) {
    const cell = into < 0n ? cells.credit : cells.debit
    return { ok: false, sentence: `${quoted(cell ?? '')} is negative in a column without signs` }
  }
  return { ok: true, value: out < 0n ? out : into - out }
}

function readSide(
  cell: string | undefined,
  currency: string,
  profile: Profile,
): Read<bigint | undefined> {
  if (cell === undefined || cell.trim() === '') return { ok: true, value: undefined }
  return readAmount(cell, currency, profile)
}
