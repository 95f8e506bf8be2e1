/** One place where a file names another: `names` is what stands between the keyword and `from`. */
export type Reference = {
  readonly kind: 'import' | 'export' | 'load'
  readonly specifier: string
  readonly names: string
}

const COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?\*\//y
const QUOTED = /'(?:\\[\s\S]|[^'\\\n])*'|"(?:\\[\s\S]|[^"\\\n])*"/y
const REGEX = /\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/y
const TEMPLATE_TEXT = /(?:\\[\s\S]|\$(?!\{)|[^`\\$])*/y
/** After one of these a slash opens a regular expression; after a value it divides. */
const REGEX_MAY_FOLLOW =
  /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|await|yield|throw))\s*$/

/**
 * The source with comments and the insides of strings and regular expressions blanked, every offset
 * unchanged: a rule about code must not be set off by a sentence about code.
 */
export function codeOnly(source: string): string {
  const known = blanked.get(source)
  if (known !== undefined) return known
  const code = blankProse(source)
  blanked.set(source, code)
  return code
}

/** A dozen rules read every file: each text is blanked once. */
const blanked = new Map<string, string>()

function blankProse(source: string): string {
  let code = ''
  let braces = 0
  /** Brace depths at which an open `${` ends and its template goes on. */
  const templates: number[] = []

  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = code.length
    return pattern.exec(source)?.[0]
  }
  const takeTemplateText = (): void => {
    code += blank(match(TEMPLATE_TEXT) ?? '')
    if (source.startsWith('${', code.length)) {
      code += '${'
      templates.push(braces)
      braces += 1
    } else {
      code += source.slice(code.length, code.length + 1)
    }
  }

  while (code.length < source.length) {
    const char = source.charAt(code.length)
    const comment = char === '/' ? match(COMMENT) : undefined
    const inside =
      match(QUOTED) ??
      (char === '/' && REGEX_MAY_FOLLOW.test(code.slice(-80)) ? match(REGEX) : undefined)
    if (comment !== undefined) {
      code += blank(comment)
    } else if (inside !== undefined) {
      code += char + blank(inside.slice(1, -1)) + inside.slice(-1)
    } else {
      code += char
      if (char === '{') braces += 1
      if (char === '}') braces -= 1
      const goesOn = char === '}' && templates.at(-1) === braces
      if (goesOn) templates.pop()
      if (goesOn || char === '`') takeTemplateText()
    }
  }
  return code
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ')
}

const STATEMENT = /\b(import|export)\b((?:(?!\b(?:import|export)\b)[\w$*\s{},])*?)\bfrom\s*(['"])/g
const LOAD =
  /\b(?:import|require|import\.meta\.resolve)\s*\(\s*(['"`])|\bimport\s*(['"])|\bnew\s+URL\(\s*(['"`])/g

/** Every import, re-export, dynamic import and `new URL('….ts')` (how a worker is named) of a file. */
export function references(source: string): readonly Reference[] {
  const code = codeOnly(source)
  const found: Reference[] = []
  const specifierAt = (quote: number): string =>
    source.slice(quote + 1, source.indexOf(source.charAt(quote), quote + 1))

  for (const { index, 0: text, 1: keyword, 2: names = '' } of code.matchAll(STATEMENT)) {
    const specifier = specifierAt(index + text.length - 1)
    found.push({ kind: keyword === 'export' ? 'export' : 'import', specifier, names: names.trim() })
  }
  for (const { index, 0: text } of code.matchAll(LOAD)) {
    const specifier = specifierAt(index + text.length - 1)
    const isWorker = /^\.{1,2}\/.*\.ts$/.test(specifier)
    if (!text.startsWith('new') || isWorker) found.push({ kind: 'load', specifier, names: '' })
  }
  return found
}
