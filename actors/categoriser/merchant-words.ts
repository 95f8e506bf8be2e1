import type { BuiltInCategory } from '../../schemas/built-in-categories.ts'

export type KnownMerchant = {
  readonly name: string
  readonly categoryId: BuiltInCategory
  /** Spellings as `normalise` leaves them; each is matched whole, between token boundaries. */
  readonly words: readonly string[]
}

const entry = (
  categoryId: BuiltInCategory,
  name: string,
  ...words: readonly string[]
): KnownMerchant => ({ categoryId, name, words })

/** Merchants of Norwegian statements. A new one is a line here and a line in the golden table. */
export const knownMerchants: readonly KnownMerchant[] = [
  entry('groceries', 'Rema 1000', 'rema 1000', 'rema1000', 'rema-1000'),
  entry('groceries', 'Kiwi', 'kiwi'),
  entry('groceries', 'Meny', 'meny'),
  entry('groceries', 'Coop', 'coop'),
  entry('groceries', 'Extra', 'extra'),
  entry('groceries', 'Coop Extra', 'coop extra'),
  entry('groceries', 'Joker', 'joker'),
  entry('groceries', 'Bunnpris', 'bunnpris'),

  entry('transport', 'Ruter', 'ruter'),
  entry('transport', 'Vy', 'vy'),
  entry('transport', 'NSB', 'nsb'),
  entry('transport', 'Flytoget', 'flytoget'),
  entry('transport', 'Circle K', 'circle k', 'circle-k'),
  entry('transport', 'Esso', 'esso'),
  entry('transport', 'Shell', 'shell'),

  entry('subscriptions', 'Spotify', 'spotify'),
  entry('subscriptions', 'Netflix', 'netflix'),
  entry('subscriptions', 'HBO', 'hbo'),
  entry('subscriptions', 'Viaplay', 'viaplay'),
  entry('subscriptions', 'YouTube', 'youtube'),

  entry('utilities', 'Telenor', 'telenor'),
  entry('utilities', 'Telia', 'telia'),
  entry('utilities', 'Ice', 'ice.no'),
  entry('utilities', 'Fjordkraft', 'fjordkraft'),
  entry('utilities', 'Tibber', 'tibber'),

  entry('dining', 'Peppes Pizza', 'peppes pizza'),
  entry('dining', 'Burger King', 'burger king'),
  entry('dining', "McDonald's", 'mcdonalds', "mcdonald's"),
  entry('dining', 'Starbucks', 'starbucks'),
  entry('dining', 'Espresso House', 'espresso house'),
]

/** On money that comes in, any of these is income; a compound such as "lønnsutbetaling" is another word. */
export const incomeWords: ReadonlySet<string> = new Set([
  'lønn',
  'salary',
  'refund',
  'tilbakebetaling',
])
