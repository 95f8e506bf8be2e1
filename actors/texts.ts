import { reject, type Decision } from './decider.ts'

const limits = {
  name: 100,
  bankName: 100,
  description: 500,
  merchant: 200,
  counterparty: 200,
  note: 500,
  rawData: 20_000,
  // Four digits by ISO 18245. It is not sealed, so it must not have room for other texts.
  mcc: 4,
} as const

const VISIBLE = /[^\p{White_Space}\p{Cc}\p{Default_Ignorable_Code_Point}]/u

type TextField = keyof typeof limits

/** The first text that is too long or cannot be stored; undefined when all are fine. */
export function textProblem(texts: { readonly [Field in TextField]?: string | null }):
  | Decision
  | undefined {
  for (const field in texts) {
    const text = texts[field as TextField]
    if (text === null || text === undefined) continue
    const limit = limits[field as TextField]
    // A character is a code point; counting is only needed where UTF-16 units could exceed the limit.
    if (text.length > limit && Array.from(text).length > limit) {
      return reject(field, 'text-too-long', `${field} has more than ${limit} characters`)
    }
    if (text.includes('\0')) {
      return reject(
        field,
        'text-invalid',
        `${field} contains a NUL character, which cannot be stored`,
      )
    }
  }
  return undefined
}

/** Rules of a name that people must be able to tell apart: not blank, not too long. */
export function nameProblem(name: string): Decision | undefined {
  if (!VISIBLE.test(name))
    return reject('name', 'name-empty', 'a name has at least one visible character')
  return textProblem({ name })
}

/** Two names are the same when they differ only in case, in Unicode composition or in surrounding blanks. */
export function nameKey(name: string): string {
  return name.trim().normalize('NFC').toLowerCase()
}
