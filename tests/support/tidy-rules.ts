/**
 * The rules of the house as pure functions: files in (path → text), problems out. `tests/tidy.test.ts`
 * holds the tables, runs every rule on the tree and proves each one on a planted bad file.
 */
import path from 'node:path'
import { codeOnly, references } from './source-text.ts'

export type Files = ReadonlyMap<string, string>
export type Problems = readonly string[]
export type Table = { readonly [name: string]: readonly string[] }

/** In a line of `mayImport`: every folder but tests and bench, which only they themselves and each other use. */
export const PRODUCT = '*'
const NOT_PRODUCT = ['tests', 'bench']
const FILE_LINES_MAX = 350
const TEST_FILE_LINES_MAX = 500

export function importDirection(
  files: Files,
  mayImport: Table,
  exempt: readonly string[],
): Problems {
  const folders = Object.keys(mayImport)
  return eachReference(files, (file, { specifier }) => {
    if (exempt.includes(file)) return []
    const from = folderOf(file, folders)
    if (from === undefined) return [`its folder has no line in mayImport`]
    if (!specifier.startsWith('.')) return []
    const target = path.posix.join(path.posix.dirname(file), specifier)
    const to = folderOf(target, folders)
    if (to === from || mayImport[from]?.some((entry) => allows(entry, target, to))) return []
    return [`${from} may not import ${to ?? 'a file outside every folder'} (${target})`]
  })
}

/** A line names a folder of the table, or a part of one; never a deeper folder that has a line of its own. */
function allows(entry: string, target: string, to: string | undefined): boolean {
  if (entry === PRODUCT) return to !== undefined && !NOT_PRODUCT.includes(to)
  return entry === to || (to !== undefined && isWithin(entry, to) && isWithin(target, entry))
}

export function importForm(files: Files): Problems {
  return eachReference(files, (_file, { kind, specifier }) => {
    if (kind === 'export') return [`re-exports ${specifier}: import from the file that defines it`]
    if (specifier.startsWith('.') && !/\.(?:ts|json)$/.test(specifier))
      return [`imports ${specifier} without its .ts`]
    if (/^(?:[/#~]|@\/|file:)/.test(specifier))
      return [`imports ${specifier}, which is not relative`]
    return []
  })
}

/** A name that is imported and then exported again is a re-export in two steps. */
export function noPassingOn(files: Files): Problems {
  return eachCode(files, (_file, code, source) => {
    const imported = new Set(references(source).flatMap(({ names }) => localNames(names)))
    const lists = [...code.matchAll(/\bexport\s+(?:type\s+)?\{([^}]*)\}(?!\s*from\b)/g)]
    return lists
      .flatMap(([, list = '']) => list.split(',').map((name) => name.trim().split(/\s+/)[0] ?? ''))
      .filter((name) => imported.has(name))
      .map((name) => `re-exports ${name}: import from the file that defines it`)
  })
}

export function dependencyHomes(files: Files, home: Table, exempt: readonly string[]): Problems {
  return eachReference(files, (file, { specifier }) => {
    if (/^(?:[./#~]|@\/|node:|file:)/.test(specifier)) return []
    const dependency = packageOf(specifier)
    const homes = home[dependency] ?? home[`${dependency.split('/')[0]}/*`]
    if (homes === undefined) return [`imports ${specifier}, which is not a dependency`]
    const isFree = exempt.some((place) => file.startsWith(place))
    if (isFree || homes.some((place) => file.startsWith(place))) return []
    return [`imports ${dependency}, whose home is ${homes.join(', ') || 'nowhere'}`]
  })
}

/** What a rule or a step could be made to differ by on a second run. */
const impure: readonly (readonly [string, RegExp])[] = [
  [
    'a clock',
    /\bDate\s*\.\s*now\b|\bnew\s+Date\s*(?:\(\s*\)|(?![\s(\w]))|(?<!new\s+|[\w$.])Date\s*\(/,
  ],
  ['a clock', /\bTemporal\s*\.\s*Now\b|(?<![\w$.])performance\s*\./],
  ['a timer', /(?<![\w$.])(?:setTimeout|setInterval|setImmediate|queueMicrotask)\b/],
  ['chance', /\bMath\s*\.\s*random\b/],
  ['crypto', /(?<![\w$.])crypto\b(?!\s*:)/],
  ['the process', /(?<![\w$.])process\b(?!\s*[:(])/],
  ['the network', /(?<![\w$.])(?:fetch|WebSocket|XMLHttpRequest)\s*\(/],
  ['the global object', /(?<![\w$.])(?:globalThis|console)\b/],
  ['its own place', /\bimport\s*\.\s*meta\b/],
  ['a dynamic import', /\bimport\s*\(/],
]

export function purity(files: Files, pure: readonly string[], exempt: readonly string[]): Problems {
  const chosen = select(files, (file) => startsWithAny(file, pure) && !startsWithAny(file, exempt))
  return [
    ...eachReference(chosen, (_file, { specifier }) =>
      specifier.startsWith('.') ? [] : [`is pure and may not import ${specifier}`],
    ),
    ...eachCode(chosen, (_file, code) =>
      impure
        .filter(([, pattern]) => pattern.test(code))
        .map(([what, pattern]) => `is pure and may not touch ${what}: ${pattern.exec(code)?.[0]}`),
    ),
  ]
}

export function environmentReaders(files: Files, exempt: readonly string[]): Problems {
  const chosen = select(files, (file) => !startsWithAny(file, exempt))
  const READS =
    /(?<![\w$.])process\s*(?:\?\.|\.)\s*env\b|(?<![\w$.])process\s*\[|[=(,]\s*process\b(?!\s*[.:([?])/
  return [
    ...eachCode(chosen, (_file, code) => (READS.test(code) ? ['reads the environment'] : [])),
    ...eachReference(chosen, (_file, { specifier }) =>
      /^(?:node:)?process$/.test(specifier) ? [`imports ${specifier}: use the global`] : [],
    ),
  ]
}

export function fileNames(files: Files): Problems {
  return [...files.keys()]
    .filter((file) => /(?:^|\/)index\.[cm]?[jt]sx?$/.test(file))
    .map((file) => `${file}: a file is named after the thing in it, never index`)
}

export function defaultExports(files: Files, exempt: readonly string[]): Problems {
  const chosen = select(files, (file) => !startsWithAny(file, exempt))
  return eachCode(chosen, (_file, code) =>
    /\bexport\s+default\b|\bexport\s*\{[^}]*\bas\s+default\b/.test(code)
      ? ['has a default export']
      : [],
  )
}

export function fileLength(files: Files, exempt: readonly string[]): Problems {
  return [...files]
    .filter(([file]) => /\.(?:ts|sql)$/.test(file) && !exempt.includes(file))
    .map(([file, text]) => ({
      file,
      lines: text.split('\n').length - 1,
      max: file.startsWith('tests/') ? TEST_FILE_LINES_MAX : FILE_LINES_MAX,
    }))
    .filter(({ lines, max }) => lines > max)
    .map(({ file, lines, max }) => `${file}: has ${lines} lines, at most ${max}: split by concept`)
}

const MACHINE_PATH =
  /(?:^|[^\w.~/-])(?:\/(?:home|Users|root|work|workspace|mnt)\/\w|[A-Z]:\\Users\\)/m

export function machinePaths(files: Files): Problems {
  return [...files]
    .filter(([, text]) => MACHINE_PATH.test(text))
    .map(
      ([file, text]) =>
        `${file}: names a path of one machine: ${MACHINE_PATH.exec(text)?.[0].trim()}…`,
    )
}

export function downloadAddresses(files: Files): Problems {
  const lock = files.get('package-lock.json') ?? ''
  return /"resolved":\s*"https?:/.test(lock) ? ['package-lock.json: holds download addresses'] : []
}

/** Every dependency has a home, and every home is a dependency. */
export function homesMatch(
  dependencies: readonly string[],
  home: Table,
  exempt: readonly string[],
): Problems {
  const known = new Set([...Object.keys(home), ...exempt])
  return [
    ...dependencies.filter((name) => !known.has(name)).map((name) => `${name} has no home`),
    ...[...known]
      .filter((name) => !dependencies.includes(name) && !name.endsWith('/*'))
      .map((name) => `${name} has a home and is not a dependency`),
  ]
}

/** The dependency table of CONTRIBUTING against package.json and the homes: names, homes, a reason each. */
export function dependencyTable(
  text: string,
  dependencies: readonly string[],
  home: Table,
): Problems {
  const section = text.slice(text.indexOf('## Dependencies'))
  const rows = [...section.matchAll(/^\|([^|]*`[^|]*)\|([^|]*)\|([^|]*)\|$/gm)]
  const listed = rows.flatMap(([, names = '']) => codes(names))
  const wrongHomes = rows.flatMap(([, names = '', homes = '', reason = '']) =>
    codes(names).flatMap((name) => [
      ...(codes(homes).join() === (home[name] ?? []).join() ? [] : [`${name}: its home differs`]),
      ...(reason.trim() === '' ? [`${name}: no reason`] : []),
    ]),
  )
  return [
    ...dependencies.filter((name) => !listed.includes(name)).map((name) => `${name}: not listed`),
    ...listed
      .filter((name) => !dependencies.includes(name))
      .map((name) => `${name}: not a dependency`),
    ...wrongHomes,
  ]
}

function codes(cell: string): readonly string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code)
}

function localNames(names: string): readonly string[] {
  return names
    .replace(/^type\b/, '')
    .split(/[{},]/)
    .map((name) => name.trim().split(/\s+/).at(-1) ?? '')
    .filter((name) => name !== '')
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

function folderOf(file: string, folders: readonly string[]): string | undefined {
  return folders
    .filter((folder) => isWithin(file, folder))
    .toSorted((a, b) => b.length - a.length)[0]
}

function isWithin(file: string, folder: string): boolean {
  return file === folder || file.startsWith(`${folder}/`)
}

function startsWithAny(file: string, places: readonly string[]): boolean {
  return places.some((place) => file.startsWith(place))
}

function select(files: Files, keep: (file: string) => boolean): Files {
  return new Map([...files].filter(([file]) => keep(file)))
}

function eachCode(
  files: Files,
  check: (file: string, code: string, source: string) => Problems,
): Problems {
  return [...files]
    .filter(([file]) => file.endsWith('.ts'))
    .flatMap(([file, source]) =>
      check(file, codeOnly(source), source).map((problem) => `${file}: ${problem}`),
    )
}

function eachReference(
  files: Files,
  check: (file: string, reference: ReturnType<typeof references>[number]) => Problems,
): Problems {
  return eachCode(files, (file, _code, source) =>
    references(source).flatMap((one) => check(file, one)),
  )
}
