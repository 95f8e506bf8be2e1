import { SaldoError } from '../schemas/errors.ts'
import { csvRecords, type RowProblem } from './csv-records.ts'
import type { Column, Profile, TextRole } from './profiles/profile.ts'
import { decodedText, inspectText } from './text-file.ts'

export type CellRole = TextRole | 'date' | 'amount' | 'debit' | 'credit'

/** A row with its cells by what they are for; a role is missing when its column is. */
export type CsvRow = {
  readonly kind: 'row'
  readonly line: number
  readonly fields: readonly string[]
  readonly cells: { readonly [Role in CellRole]?: string }
}

export type CsvRequest = {
  readonly path: string
  readonly profile: Profile
  /** Progress: hears the number of bytes of each piece that is read. */
  readonly onBytes?: (bytes: number) => void
}

/** The rows below the header, streamed. What is wrong with the file as a whole is a `SaldoError`. */
export async function* csvRows(request: CsvRequest): AsyncGenerator<CsvRow | RowProblem> {
  const { path, profile, onBytes = () => {} } = request
  const file = await inspectText(path, profile.encoding)
  const header = headerFinder(path, profile)
  let positions: Positions | undefined
  for await (const record of csvRecords(decodedText(file, onBytes), profile)) {
    if (positions === undefined) {
      positions = header.find(record.kind === 'record' ? record.fields : [])
    } else if (record.kind === 'problem') {
      yield record
    } else {
      yield rowOf(record.line, record.fields, positions)
    }
  }
  if (positions === undefined) throw header.missing()
}

type Positions = {
  readonly width: number
  readonly roles: readonly (readonly [role: CellRole, index: number])[]
}

function rowOf(
  line: number,
  fields: readonly string[],
  { width, roles }: Positions,
): CsvRow | RowProblem {
  // Some programs end rows, and only rows, with a delimiter.
  const surplus = fields.slice(width).some((field) => field.trim() !== '')
  if (fields.length < width || surplus) {
    const sentence = `the row has ${fields.length} fields and the header ${width}`
    return { kind: 'problem', line, path: 'row', sentence }
  }
  const cells: { [Role in CellRole]?: string } = {}
  for (const [role, index] of roles) cells[role] = fields[index] ?? ''
  return { kind: 'row', line, fields, cells }
}

/** Looks at the rows from the top, as many as the profile allows; the one nearest to a header is what an error names. */
function headerFinder(path: string, profile: Profile) {
  const columns = columnsOf(profile)
  let seen = 0
  let nearest: { readonly fields: readonly string[]; readonly missing: readonly Column[] } = {
    fields: [],
    missing: columns.map(([, column]) => column).filter(isRequired),
  }
  const missing = (): SaldoError => {
    const wanted = nearest.missing.map(({ names }) => quoted(names[0] ?? '')).join(', ')
    const found = nearest.fields.map(quoted).join(', ')
    return invalid(
      path,
      `lacks ${wanted}, a column of profile ${profile.name}: ` +
        (found === '' ? 'no columns were found' : `the columns found are ${found}`),
    )
  }
  return {
    missing,
    find(fields: readonly string[]): Positions | undefined {
      seen += 1
      const names = fields.map(nameKey)
      const absent = columns
        .map(([, column]) => column)
        .filter((column) => isRequired(column) && indexesOf(column, names).length === 0)
      if (absent.length === 0) return positionsOf(path, columns, names)
      if (nearest.fields.length === 0 || absent.length < nearest.missing.length)
        nearest = { fields: fields.map((field) => field.trim()), missing: absent }
      if (seen >= profile.headerWithinRows) throw missing()
      return undefined
    },
  }
}

type RoleColumns = readonly (readonly [role: CellRole, column: Column])[]

function columnsOf({ date, amounts, texts }: Profile): RoleColumns {
  const amount: RoleColumns =
    amounts.kind === 'one'
      ? [['amount', amounts.amount]]
      : [
          ['debit', amounts.debit],
          ['credit', amounts.credit],
        ]
  const named = Object.entries(texts) as [TextRole, Column][]
  return [['date', date], ...amount, ...named]
}

function positionsOf(path: string, columns: RoleColumns, names: readonly string[]): Positions {
  const roles = columns.flatMap(([role, column]) => {
    const [index, second] = indexesOf(column, names)
    if (second !== undefined)
      throw invalid(path, `has two columns for ${role}: ${quoted(names[index ?? 0] ?? '')}`)
    return index === undefined ? [] : [[role, index] as const]
  })
  return { width: names.length, roles }
}

/** Where the column is; the first of its names that occurs decides. */
function indexesOf(column: Column, names: readonly string[]): readonly number[] {
  for (const name of column.names) {
    const key = nameKey(name)
    const indexes = names.flatMap((candidate, index) => (candidate === key ? [index] : []))
    if (indexes.length > 0) return indexes
  }
  return []
}

function isRequired({ need }: Column): boolean {
  return need === 'required'
}

function nameKey(name: string): string {
  return name.trim().replaceAll(/\s+/g, ' ').normalize('NFC').toLowerCase()
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 60))
}

function invalid(path: string, sentence: string): SaldoError {
  return new SaldoError('SALDO_INPUT_INVALID', `${JSON.stringify(path)} ${sentence}`)
}
