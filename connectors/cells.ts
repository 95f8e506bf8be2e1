/** Cells to values. A cell that cannot be read gives a sentence that quotes it, never a guess. */
import { epochDayOf } from '../schemas/dates.ts'
import { SaldoError } from '../schemas/errors.ts'
import { parseMinor } from '../schemas/money.ts'
import type { Profile } from './profiles/profile.ts'

export type Read<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly sentence: string }

export type CellDate = {
  /** Days since 1970-01-01, as the file says it. */
  readonly bookedOn: number
  /** Milliseconds since 1970 UTC; midnight where the file gives no time. */
  readonly occurredAt: number
}

/** Longer than any amount, and short enough that hostile blanks cost nothing. */
const AMOUNT_CHARACTERS_MAX = 64

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000

export function readDate(cell: string, profile: Profile): Read<CellDate> {
  const text = cell.trim()
  if (text === '') return no('the date is empty')
  let hasShape = false
  for (const format of profile.dateFormats) {
    const parts = datePattern(format).exec(text)?.groups
    if (parts === undefined) continue
    hasShape = true
    const { yyyy = '', MM = '', dd = '', HH, mm = '0', ss = '0' } = parts
    const bookedOn = epochDayOf(`${yyyy}-${MM}-${dd}`)
    const timeMs = Number(HH ?? 0) * HOUR_MS + Number(mm) * MINUTE_MS + Number(ss) * 1000
    const isTime = Number(HH ?? 0) < 24 && Number(mm) < 60 && Number(ss) < 60
    if (bookedOn === undefined || !isTime) continue
    const offsetMs = HH === undefined ? 0 : profile.utcOffsetMinutes * MINUTE_MS
    return { ok: true, value: { bookedOn, occurredAt: bookedOn * DAY_MS + timeMs - offsetMs } }
  }
  if (hasShape) return no(`${quoted(text)} is a date that does not exist`)
  return no(`${quoted(text)} is not a date of the form ${profile.dateFormats.join(' or ')}`)
}

const patterns = new Map<string, RegExp>()

function datePattern(format: string): RegExp {
  const known = patterns.get(format)
  if (known !== undefined) return known
  const pattern = format.replaceAll(/yyyy|MM|dd|HH|mm|ss|\W/g, (part) =>
    /\W/.test(part) ? `\\${part}` : `(?<${part}>\\d{${part.length}})`,
  )
  const created = new RegExp(`^${pattern}$`)
  patterns.set(format, created)
  return created
}

/** A signed amount as the file writes it: a minus before or behind, or parentheses. */
export function readAmount(cell: string, currency: string, profile: Profile): Read<bigint> {
  const text = cell.trim().replaceAll('\u2212', '-')
  if (text === '') return no('the amount is empty')
  if (text.length > AMOUNT_CHARACTERS_MAX) return no(`${quoted(text)} is too long for an amount`)
  const [, open = '', before = '', digits = '', behind = '', close = ''] =
    /^(\(?)([+-]?)\s*([^()+-]*?)\s*(-?)(\)?)$/.exec(text) ?? []
  const signs = [open, before, behind].filter((sign) => sign !== '')
  const plain = plainDigits(digits, profile)
  if (plain === undefined || signs.length > 1 || (open === '') !== (close === '')) {
    return no(`${quoted(cell.trim())} is not an amount with ${decimalName(profile)}`)
  }
  const isNegative = signs.some((sign) => sign !== '+')
  try {
    return { ok: true, value: parseMinor(isNegative ? `-${plain}` : plain, currency) }
  } catch (error) {
    if (!(error instanceof SaldoError)) throw error
    const same = plain === cell.trim()
    return no(same ? error.message : `${quoted(cell.trim())}: ${error.message}`)
  }
}

/**
 * Digits with a point and without grouping. A separator counts as grouping only where every group
 * has three digits: "12,50" read as 1250 would be a hundred times too much.
 */
function plainDigits(text: string, { decimal, thousands }: Profile): string | undefined {
  const [whole = '', fraction, ...others] = text.split(decimal)
  if (others.length > 0 || (fraction !== undefined && !/^\d+$/.test(fraction))) return undefined
  const separator = thousands.find((candidate) => whole.includes(candidate))
  const groups = separator === undefined ? [whole] : whole.split(separator)
  const isGrouped =
    groups.length === 1
      ? /^\d*$/.test(whole) && (whole !== '' || fraction !== undefined)
      : groups.every((group, index) => (index === 0 ? /^\d{1,3}$/ : /^\d{3}$/).test(group))
  if (!isGrouped) return undefined
  const digits = groups.join('') || '0'
  return fraction === undefined ? digits : `${digits}.${fraction}`
}

function decimalName({ decimal }: Profile): string {
  return decimal === ',' ? 'a decimal comma' : 'a decimal point'
}

/** A text of the file as it is compared and kept: null when there is nothing in it. */
export function readText(cell: string | undefined): string | null {
  const text = cell?.trim().normalize('NFC') ?? ''
  return text === '' ? null : text
}

export function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}

function no(sentence: string): { readonly ok: false; readonly sentence: string } {
  return { ok: false, sentence }
}
