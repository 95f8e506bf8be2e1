import { invalidInput } from '../problem.ts'

const LENGTH_MAX = 100
const WORDS_MAX = 8

export const searchSchema = {
  type: 'string',
  minLength: 1,
  maxLength: LENGTH_MAX,
  description: `1 to ${LENGTH_MAX} characters: words that are all in the texts of a transaction, whatever their case`,
} as const

/** The words of a search; undefined without one. */
export function wordsOf(q: string | undefined): readonly string[] | undefined {
  if (q === undefined) return undefined
  // PostgreSQL keeps no zero byte in a text, so none is found.
  if (q.includes('\u0000')) throw invalidInput('q', '"q" holds a zero byte')
  const words = q.split(/\s+/u).filter((word) => word !== '')
  if (words.length === 0) throw invalidInput('q', '"q" holds no word')
  if (words.length <= WORDS_MAX) return words
  throw invalidInput('q', `"q" holds ${words.length} words, at most ${WORDS_MAX}`)
}
