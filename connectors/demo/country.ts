/** How a household of one country earns and spends: data only. Amounts count steps of `stepMinor`. */
export type AccountName = 'checking' | 'savings' | 'credit' | 'cash'

/** Something bought now and then. */
export type Habit = {
  readonly places: readonly string[]
  readonly perWeek: number
  readonly from: number
  readonly to: number
  readonly account: AccountName
  /** Monday to Friday only. */
  readonly workdays?: true
}

/** Something paid on a day of the month, in every month unless `months` (1 to 12) names some. */
export type Bill = {
  readonly text: string
  readonly day: number
  readonly from: number
  readonly to: number
  readonly account: AccountName
  readonly months?: readonly number[]
  /** Another amount each time; otherwise the household's own amount stays. */
  readonly varies?: true
}

export type Country = {
  readonly currency: string
  readonly timeZone: string
  readonly locale: string
  readonly stepMinor: bigint
  readonly accounts: readonly { readonly kind: AccountName; readonly name: string }[]
  /** What a household means to spend in a month, by built-in category. */
  readonly budgets: readonly { readonly categoryId: string; readonly amount: number }[]
  readonly opening: { readonly text: string; readonly from: number; readonly to: number }
  /** In `text`, `{month}` is replaced by the month's name. */
  readonly salary: {
    readonly text: string
    readonly day: number
    readonly from: number
    readonly to: number
  }
  readonly bonus: { readonly text: string; readonly month: number; readonly share: number }
  readonly refunds: {
    readonly places: readonly string[]
    readonly perYear: number
    readonly from: number
    readonly to: number
  }
  readonly saving: {
    readonly text: string
    readonly day: number
    readonly from: number
    readonly to: number
  }
  /** A card is evened out once a month; a wallet is filled when it runs low. */
  readonly settling:
    | { readonly account: 'credit'; readonly text: string; readonly day: number }
    | {
        readonly account: 'cash'
        readonly text: string
        readonly below: number
        readonly fill: number
      }
  readonly refundText: string
  readonly bills: readonly Bill[]
  readonly habits: readonly Habit[]
  readonly months: readonly string[]
}
