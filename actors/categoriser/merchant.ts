/** Bank text → the merchant's name. Everything here is a guess that a person may correct. */
import { knownMerchantIn } from './known-merchant.ts'

/** Longer texts are not descriptions; what lies behind is not read. */
export const DESCRIPTION_LENGTH_MAX = 512

const paymentMethods: ReadonlySet<string> = new Set([
  'visa',
  'bankaxept',
  'vipps',
  'avtalegiro',
  'nettgiro',
])
/** What banks put between the method and the merchant. */
const afterMethod: ReadonlySet<string> = new Set(['vare', 'kode', 'varekjøp', 'kjøp', 'til'])
const cities: ReadonlySet<string> = new Set(['oslo', 'bergen', 'trondheim', 'stavanger', 'drammen'])

const starOrBlank = / |(?<=[a-zæøå])\*(?=[a-zæøå])/u
const stars = /^\*+(?=[^*\d])/
const digits = /^\d+$/
const cardNumber = /^(?:\d{12,19}|\d*(?:\*{2}|xx)[\d*x]*)$/
const date = /^(?:\d{1,2}[./]\d{1,2}(?:[./](?:\d{2}|\d{4})?)?|\d{4}-\d{2}-\d{2})$/
const anyLetter = /\p{L}/u

/** ASCII and composed Western letters, single blanks: nothing to do but lower the case. */
const plain = /^[!-~À-ÖØ-öø-ÿ]+(?: [!-~À-ÖØ-öø-ÿ]+)*$/
const invisible = /\p{Default_Ignorable_Code_Point}+/gu
const blanks = /[\s\p{Cc}]+/gu
const apostrophes = /[\u2018\u2019\u02bc]/gu
const hyphens = /[\u2010\u2011]/gu

/**
 * Text as rules and corrections compare it. Idempotent; letter case, composed or decomposed
 * letters, odd blanks and invisible characters make no difference.
 */
export function normalise(text: string): string {
  if (plain.test(text)) return text.toLowerCase()
  return (
    text
      .toWellFormed()
      .normalize('NFKC')
      .replace(invisible, '')
      .replace(apostrophes, "'")
      .replace(hyphens, '-')
      .toLowerCase()
      // Lowering and dropping can leave a letter beside its mark: compose once more.
      .normalize('NFKC')
      .replace(blanks, ' ')
      .trim()
  )
}

/** A name as a person wrote it, without odd blanks, control characters or halves of characters. */
export function tidied(text: string): string {
  return text.toWellFormed().normalize('NFC').replace(blanks, ' ').trim()
}

/** The merchant named in a description, or null where it names only a way of paying. */
export function merchantOf(description: string): string | null {
  const text = normalise(description.slice(0, DESCRIPTION_LENGTH_MAX))
  return knownMerchantIn(text)?.name ?? unknownMerchantIn(text)
}

/** What remains of a normalised text without payment method, card, date and place. */
export function unknownMerchantIn(text: string): string | null {
  const words = wordsOf(text)
  let start = 0
  if (paymentMethods.has(words[0] ?? '')) {
    while (start < words.length && isPaymentDetail(words[start] ?? '')) start += 1
    // "Nettgiro fra DNB" says where money came from, not who was paid.
    if (words[start] === 'fra') return null
  }
  let name = ''
  for (let index = start; index < words.length; index += 1) {
    const word = words[index] ?? ''
    const numeric = mayBeNumber(word)
    // A date or a city behind the name ends it; in front, a city may be part of the name.
    if (name !== '' && (cities.has(word) || (numeric && date.test(word)))) break
    if (word === '' || (numeric && (cardNumber.test(word) || date.test(word)))) continue
    name += name === '' ? titled(word) : ` ${titled(word)}`
  }
  return anyLetter.test(name) ? name : null
}

function wordsOf(text: string): string[] {
  if (!text.includes('*')) return text.split(' ')
  return text.split(starOrBlank).map((word) => word.replace(stars, ''))
}

function isPaymentDetail(word: string): boolean {
  if (mayBeNumber(word)) return digits.test(word) || cardNumber.test(word) || date.test(word)
  return word === '' || paymentMethods.has(word) || afterMethod.has(word)
}

/** Cheap, because most words are not: dates and card numbers begin with a digit, a star or an x. */
function mayBeNumber(word: string): boolean {
  const code = word.charCodeAt(0)
  return (code >= 0x30 && code <= 0x39) || code === 0x2a || code === 0x78
}

function titled(word: string): string {
  const first = String.fromCodePoint(word.codePointAt(0) ?? 0x20)
  return first.toUpperCase() + word.slice(first.length)
}
