/** JSON of others to values of ours. What does not fit is an error with its path: never dropped, never guessed. */
import { epochDayOf, epochMonthOf } from '../schemas/dates.ts'
import { SaldoError } from '../schemas/errors.ts'
import { isId, isUuid } from '../schemas/ids.ts'
import { MINOR_MAX, MINOR_MIN } from '../schemas/money.ts'

export type Reader<Value> = (value: unknown, path: string) => Value

type Spec = { readonly [name: string]: Reader<unknown> }
type ShapeOf<Fields extends Spec> = {
  readonly [Name in keyof Fields]: Fields[Name] extends Reader<infer Value> ? Value : never
}

/** An object with these fields and no others; a reader of a field that is absent gets undefined. */
export function shape<Fields extends Spec>(fields: Fields): Reader<ShapeOf<Fields>> {
  const names = Object.keys(fields)
  return (value, path) => {
    const object = anObject(value, path)
    for (const name of Object.keys(object)) {
      if (!names.includes(name)) throw unknownField(below(path, name), name, names)
    }
    const entries = Object.entries(fields).map(([name, read]) => [
      name,
      read(object[name], below(path, name)),
    ])
    // Built from the very readers that the type is made of.
    return Object.fromEntries(entries) as ShapeOf<Fields>
  }
}

export function required<Value>(read: Reader<Value>): Reader<Value> {
  return (value, path) => {
    if (value === undefined || value === null) throw misfit(path, 'is missing')
    return read(value, path)
  }
}

export function optional<Value>(read: Reader<Value>): Reader<Value | null> {
  return (value, path) => (value === undefined || value === null ? null : read(value, path))
}

export function anObject(value: unknown, path: string): { readonly [name: string]: unknown } {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  throw misfit(path, `${shown(value)} is not an object`)
}

export function text(value: unknown, path: string): string {
  if (typeof value !== 'string') throw misfit(path, `${shown(value)} is not a string`)
  // UTF-8 has no half of a surrogate pair: the text would come back as another one.
  if (!value.isWellFormed()) throw misfit(path, 'is not well-formed Unicode')
  return value
}

export function id(value: unknown, path: string): string {
  if (typeof value === 'string' && isId(value)) return value
  throw misfit(path, `${shown(value)} is not an id: 1 to 64 letters, digits and . _ : -`)
}

export function uuid(value: unknown, path: string): string {
  if (typeof value === 'string' && isUuid(value.toLowerCase())) return value.toLowerCase()
  throw misfit(path, `${shown(value)} is not a uuid`)
}

export function oneOf<Value extends string>(values: readonly Value[]): Reader<Value> {
  return (value, path) => {
    const found = values.find((candidate) => candidate === value)
    if (found !== undefined) return found
    throw misfit(path, `${shown(value)} is none of ${values.join(', ')}`)
  }
}

/** The one text that it may be. */
export function only<Value extends string>(value: Value): Reader<Value> {
  return required(oneOf([value]))
}

/** From 0, and what Avro int holds. */
export function wholeNumber(value: unknown, path: string): number {
  if (Number.isInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 31) return Number(value)
  throw misfit(path, `${shown(value)} is not a whole number from 0`)
}

export function list<Value>(read: Reader<Value>): Reader<readonly Value[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw misfit(path, `${shown(value)} is not a list`)
    return value.map((item, index) => read(item, below(path, String(index))))
  }
}

export function decimal(value: unknown, path: string): string {
  if (typeof value === 'number') {
    throw misfit(path, `${value} is a JSON number, which may be rounded: write "${value}"`)
  }
  return text(value, path)
}

export function minorUnits(value: unknown, path: string): bigint {
  const isWhole = typeof value === 'bigint' || Number.isSafeInteger(value)
  const digits = isWhole ? String(value) : value
  if (typeof digits !== 'string' || !/^[+-]?\d{1,20}$/.test(digits)) {
    throw misfit(path, `${shown(value)} is not a whole number of minor units`)
  }
  const minor = BigInt(digits.replace('+', ''))
  if (minor <= MINOR_MAX && minor >= MINOR_MIN) return minor
  throw misfit(path, `${shown(value)} is beyond 64 bits`)
}

const INSTANT = /^(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})$/

/** Milliseconds since 1970 UTC, as such or as ISO 8601 with an offset: without one it would be another instant in every zone. */
export function instant(value: unknown, path: string): number {
  if (Number.isSafeInteger(value)) return Number(value)
  const date = typeof value === 'string' ? INSTANT.exec(value)?.[1] : undefined
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN
  if (date !== undefined && epochDayOf(date) !== undefined && !Number.isNaN(ms)) return ms
  throw misfit(
    path,
    `${shown(value)} is not an instant: ISO 8601 with Z or an offset, or milliseconds since 1970`,
  )
}

/** A calendar date as days since 1970-01-01. */
export function calendarDate(value: unknown, path: string): number {
  const day = typeof value === 'string' ? epochDayOf(value) : undefined
  if (day === undefined) throw misfit(path, `${shown(value)} is not a date YYYY-MM-DD`)
  return day
}

/** A calendar month as months since January 1970. */
export function calendarMonth(value: unknown, path: string): number {
  const month = typeof value === 'string' ? epochMonthOf(value) : undefined
  if (month === undefined) throw misfit(path, `${shown(value)} is not a month YYYY-MM`)
  return month
}

export function traceparent(value: unknown, path: string): string {
  if (typeof value === 'string' && /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/.test(value))
    return value
  throw misfit(path, `${shown(value)} is not a W3C traceparent`)
}

export function misfit(path: string, sentence: string): SaldoError {
  return new SaldoError('SALDO_INPUT_INVALID', path === '' ? sentence : `${path}: ${sentence}`)
}

function unknownField(path: string, name: string, names: readonly string[]): SaldoError {
  const near = names
    .map((candidate) => ({ candidate, edits: editsBetween(name, candidate) }))
    .filter(({ edits }) => edits <= 2)
    .toSorted((a, b) => a.edits - b.edits)[0]
  const meant = near === undefined ? '' : `: is ${near.candidate} meant?`
  return misfit(path, `there is no such field${meant}`)
}

/** Levenshtein distance without regard to case; names far longer than ours are not worth comparing. */
function editsBetween(left: string, right: string): number {
  if (Math.abs(left.length - right.length) > 2) return Number.POSITIVE_INFINITY
  const [a, b] = [left.toLowerCase(), right.toLowerCase()]
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const swapped = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(swapped, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}

function below(path: string, name: string): string {
  const shownName = name.slice(0, 60)
  return path === '' ? shownName : `${path}.${shownName}`
}

function shown(value: unknown): string {
  const json = jsonOf(value) ?? typeof value
  return json.length > 60 ? `${json.slice(0, 60)}…` : json
}

/** Callers of the typed producer hand in what no JSON holds: a bigint, or an object that holds itself. */
function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value, (_name, part: unknown) =>
      typeof part === 'bigint' ? `${part}n` : part,
    )
  } catch {
    return undefined
  }
}
