/** Where the words of a normalised text begin and end. */

const letterOrMark = /[\p{L}\p{M}\p{N}]/u

/**
 * Where the token that covers `index` ends, or `index` itself on a separator. Tokens are runs of
 * letters, marks and digits; a hyphen or an apostrophe between two letters joins them, so
 * "shell-fish" is one token, while "kiwi-505" and "netflix.com" are two.
 */
export function tokenEnd(text: string, index: number): number {
  let end = index
  while (end < text.length && belongs(text, end)) end += 1
  return end
}

/** True where no token of `text` goes on: its end, or a separator. */
export function isBoundary(text: string, index: number): boolean {
  return index >= text.length || !belongs(text, index)
}

const HYPHEN = 0x2d
const APOSTROPHE = 0x27

function belongs(text: string, index: number): boolean {
  const code = text.charCodeAt(index)
  if (code === HYPHEN || code === APOSTROPHE) {
    return isLetter(text.charCodeAt(index - 1)) && isLetter(text.charCodeAt(index + 1))
  }
  return isLetter(code) || (code >= 0x30 && code <= 0x39)
}

/** Of normalised text, by UTF-16 unit. NaN, which is beyond either end, is none. */
function isLetter(code: number): boolean {
  if (code < 0x80) return code >= 0x61 && code <= 0x7a
  if (code >= 0xdf && code <= 0xff) return code !== 0xf7
  return code >= 0x80 && letterOrMark.test(String.fromCharCode(code))
}
