/**
 * JSON schemas that several routes share. The description of a parameter completes the sentence
 * `"limit" must be …` of its error (api/problem.ts).
 */

export const idSchema = {
  type: 'string',
  format: 'id',
  description: '1 to 64 letters, digits and . _ : -',
} as const

export const dateSchema = {
  type: 'string',
  format: 'calendar-date',
  description: 'a date that exists, such as 2024-02-29',
} as const

export const monthSchema = {
  type: 'string',
  format: 'calendar-month',
  description: 'a month such as 2024-02',
} as const

export const textOrNull = { type: ['string', 'null'] } as const
export const timeSchema = { type: 'string', description: 'ISO 8601 in UTC' } as const

export const amountSchema = {
  type: 'string',
  description: 'a plain decimal number with the decimals of its currency',
} as const

export const currencySchema = { type: 'string', description: 'ISO 4217' } as const

export const asOfSchema = {
  type: ['string', 'null'],
  description: 'when the table that waited longest was last written; null before the first event',
} as const

export const accountSchema = record({
  accountId: { type: 'string' },
  kind: { type: 'string' },
  name: textOrNull,
  bankName: textOrNull,
  currency: currencySchema,
  balance: amountSchema,
  transactionCount: { type: 'integer' },
  status: { type: 'string' },
  openedAt: timeSchema,
  updatedAt: timeSchema,
})

/** An object of an answer: every property is there, null where there is no value. */
export function record<Properties extends Readonly<Record<string, unknown>>>(
  properties: Properties,
) {
  return { type: 'object', required: Object.keys(properties), properties } as const
}

/** The parameters of a request: others are refused. */
export function parameters<Properties extends Readonly<Record<string, unknown>>>(
  properties: Properties,
  required: readonly (keyof Properties & string)[] = [],
) {
  return { type: 'object', additionalProperties: false, required, properties } as const
}

export function isoTime(epochMs: number): string {
  return new Date(epochMs).toISOString()
}

export function isoTimeOrNull(epochMs: number | undefined): string | null {
  return epochMs === undefined ? null : isoTime(epochMs)
}
