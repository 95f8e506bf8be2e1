/** One column of a file, by the names that banks give it. */
export type Column = {
  readonly names: readonly string[]
  readonly need: 'required' | 'optional'
}

/** What a column other than the amount is for. */
export type TextRole =
  | 'currency'
  | 'description'
  | 'merchant'
  | 'counterparty'
  | 'reference'
  | 'note'

export type AmountColumns =
  | {
      readonly kind: 'one'
      readonly amount: Column
      readonly sign: 'negative-is-spending' | 'positive-is-spending'
    }
  | {
      readonly kind: 'two'
      readonly debit: Column
      readonly credit: Column
      /** Whether the debit column repeats with a minus what its name says already. */
      readonly debitSign: 'positive' | 'either'
    }

/** The layout of one kind of bank file, as data. */
export type Profile = {
  readonly name: string
  readonly title: string
  /** A byte order mark in the file wins over this. */
  readonly encoding: 'utf-8' | 'windows-1252' | 'utf-8-or-windows-1252'
  readonly delimiter: ',' | ';' | '\t'
  readonly quote: '"' | "'"
  /** How far from the top the header may be: 1 is the first row; rows above the header are passed over. */
  readonly headerWithinRows: number
  readonly date: Column
  readonly amounts: AmountColumns
  readonly texts: { readonly [Role in TextRole]?: Column }
  readonly decimal: '.' | ','
  /** Characters that may stand between groups of three digits. */
  readonly thousands: readonly string[]
  /** Made of yyyy, MM, dd, HH, mm, ss and separators; tried in order. */
  readonly dateFormats: readonly string[]
  /** Where times of the file were read off the clock, east of UTC; dates without a time ignore it. */
  readonly utcOffsetMinutes: number
}

export function required(...names: readonly string[]): Column {
  return { names, need: 'required' }
}

export function optional(...names: readonly string[]): Column {
  return { names, need: 'optional' }
}
