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
export const dayOfAnswer = { type: 'string', description: 'a calendar date, YYYY-MM-DD' } as const
export const countSchema = { type: 'integer', minimum: 0 } as const

export const amountSchema = {
  type: 'string',
  description: 'a plain decimal number with the decimals of its currency',
} as const

/** Spending leaves as a positive number. */
export const spentSchema = {
  ...amountSchema,
  description: 'what was spent, as a plain decimal number; positive',
} as const

export const currencySchema = { type: 'string', description: 'ISO 4217' } as const

const freshness = {
  asOf: {
    type: ['string', 'null'],
    description:
      'when the table of this user that waited longest was last written; null before the first event',
  },
  offset: {
    type: ['string', 'null'],
    description:
      "everything of the user's partition before this offset is in the answer, and perhaps more",
  },
} as const

/** What `fresh-answers.ts` makes of every answer. */
export function answer<Properties extends Readonly<Record<string, unknown>>>(
  properties: Properties,
) {
  return record({ ...properties, ...freshness })
}

/** The responses of a route of the tables; `openapi.ts` adds what can go wrong on every route. */
export function responses<Schema extends object>(answerSchema: Schema) {
  return {
    200: answerSchema,
    304: { type: 'null', description: 'the answer is still the one that If-None-Match names' },
  } as const
}

export function listOf<Schema extends object>(items: Schema) {
  return { type: 'array', items } as const
}

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
