import type { LedgerEvent, Personal } from './types.ts'

/** Texts of an event as a reader sees them: none, open, or sealed with a key that is gone. */
export type OpenedPersonal = Personal | null | 'not-readable'

/** An event with its texts opened: what deciders, steps and people see. */
export type OpenedEvent = Omit<LedgerEvent, 'personal'> & {
  readonly personal: OpenedPersonal
  /** The texts as they are in the log, for tables that keep them sealed. Absent where nobody asked for them. */
  readonly sealed?: LedgerEvent['personal']
}

/** One text of an event; null where it has none or is not readable any more. */
export function textOf(personal: OpenedPersonal, field: keyof Personal): string | null {
  return personal === null || personal === 'not-readable' ? null : personal[field]
}

const NOTHING: Personal = {
  name: null,
  previousName: null,
  bankName: null,
  description: null,
  merchant: null,
  counterparty: null,
  note: null,
  rawData: null,
  previousDescription: null,
  previousMerchant: null,
  previousCounterparty: null,
  previousNote: null,
}

/** The texts given; null when there are none, so that nothing is sealed in vain. */
export function personalOf(texts: Partial<Personal>): Personal | null {
  for (const field in texts) {
    const text = texts[field as keyof Personal]
    if (text !== null && text !== undefined) return { ...NOTHING, ...texts }
  }
  return null
}
