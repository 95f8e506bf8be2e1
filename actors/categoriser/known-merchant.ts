import { knownMerchants } from './merchant-words.ts'
import type { KnownMerchant } from './merchant-words.ts'
import { isBoundary, tokenEnd } from './tokens.ts'

type Spelling = { readonly words: string; readonly merchant: KnownMerchant }

/** Every spelling under its first token, so that a text costs one look-up per token. */
const spellings: ReadonlyMap<string, readonly Spelling[]> = byFirstToken(knownMerchants)

/** The known merchant in a normalised text: the longest spelling wins, then the first. */
export function knownMerchantIn(text: string): KnownMerchant | null {
  let best: Spelling | null = null
  let index = 0
  while (index < text.length) {
    const end = tokenEnd(text, index)
    if (end === index) {
      index += 1
      continue
    }
    for (const spelling of spellings.get(text.slice(index, end)) ?? []) {
      if (best !== null && spelling.words.length <= best.words.length) continue
      if (!text.startsWith(spelling.words, index)) continue
      if (isBoundary(text, index + spelling.words.length)) best = spelling
    }
    index = end
  }
  return best === null ? null : best.merchant
}

function byFirstToken(merchants: readonly KnownMerchant[]): Map<string, Spelling[]> {
  const index = new Map<string, Spelling[]>()
  for (const merchant of merchants) {
    for (const words of merchant.words) {
      const first = words.slice(0, tokenEnd(words, 0))
      index.set(first, [...(index.get(first) ?? []), { words, merchant }])
    }
  }
  return index
}
