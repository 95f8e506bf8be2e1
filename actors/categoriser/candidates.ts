/**
 * The categoriser that needs no state: text → merchant and category. What a user taught us comes
 * before it and is decided elsewhere; the order here is rules, income patterns, nothing.
 *
 * Invariant: total and deterministic. It answers every input and the same input alike, so a
 * command decided twice gets the same candidates.
 */
import { UNCATEGORIZED } from '../../schemas/built-in-categories.ts'
import { knownMerchantIn } from './known-merchant.ts'
import type { KnownMerchant } from './merchant-words.ts'
import { incomeWords } from './merchant-words.ts'
import { DESCRIPTION_LENGTH_MAX, normalise, tidied, unknownMerchantIn } from './merchant.ts'
import { tokenEnd } from './tokens.ts'

export type Candidates = {
  readonly merchant: string | null
  readonly categoryId: string
  /** 0 to 1. Zero is "no opinion", not "wrong". */
  readonly confidence: number
  readonly source: 'rule' | 'income_pattern' | 'fallback'
  readonly alternatives: readonly { readonly categoryId: string; readonly confidence: number }[]
  readonly modelVersion: string
}

/** Changes with every change of words or order, so that an event says what decided it. */
export const MODEL_VERSION = 'words-1'

export const RULE_CONFIDENCE = 0.99
export const INCOME_CONFIDENCE = 0.95

const noAlternatives: Candidates['alternatives'] = []

/** A stated merchant is believed before the description. `mcc` is carried for later models. */
export function candidatesOf(input: {
  readonly description: string | null
  readonly merchant: string | null
  readonly amountMinor: bigint
  readonly mcc?: string | null
}): Candidates {
  const description = comparable(input.description)
  const merchant = comparable(input.merchant)
  const stated = merchant === '' ? null : tidied(input.merchant ?? '')

  const namedByMerchant = knownMerchantIn(merchant)
  if (namedByMerchant !== null) return byRule(namedByMerchant, namedByMerchant.name)
  const namedByText = knownMerchantIn(description)
  if (namedByText !== null) return byRule(namedByText, stated ?? namedByText.name)

  if (input.amountMinor > 0n && (saysIncome(description) || saysIncome(merchant))) {
    return {
      merchant: stated,
      categoryId: 'income',
      confidence: INCOME_CONFIDENCE,
      source: 'income_pattern',
      alternatives: noAlternatives,
      modelVersion: MODEL_VERSION,
    }
  }
  return {
    merchant: stated ?? unknownMerchantIn(description),
    categoryId: UNCATEGORIZED,
    confidence: 0,
    source: 'fallback',
    alternatives: noAlternatives,
    modelVersion: MODEL_VERSION,
  }
}

function byRule(known: KnownMerchant, merchant: string): Candidates {
  return {
    merchant,
    categoryId: known.categoryId,
    confidence: RULE_CONFIDENCE,
    source: 'rule',
    alternatives: noAlternatives,
    modelVersion: MODEL_VERSION,
  }
}

function comparable(text: string | null): string {
  return text === null || text === '' ? '' : normalise(text.slice(0, DESCRIPTION_LENGTH_MAX))
}

function saysIncome(text: string): boolean {
  let index = 0
  while (index < text.length) {
    const end = tokenEnd(text, index)
    if (end > index && incomeWords.has(text.slice(index, end))) return true
    index = end === index ? index + 1 : end
  }
  return false
}
