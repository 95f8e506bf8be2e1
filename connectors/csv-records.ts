/**
 * Text to records with their line numbers.
 *
 * Invariant: a record that cannot be read costs its first line and nothing behind it. A CSV parser
 * alone takes the rest of the file for one field after a quote that is never closed, so the text is
 * cut into records here: quotes inside a field are doubled, therefore a record ends at the first
 * line end with an even number of quotes before it. csv-parse then judges the quoting of each.
 */
import { parse } from 'csv-parse/sync'
import type { Profile } from './profiles/profile.ts'

export type CsvRecord =
  | { readonly kind: 'record'; readonly line: number; readonly fields: readonly string[] }
  | RowProblem

/** Why a row is not a command; `line` is where the row starts, counted from 1. */
export type RowProblem = {
  readonly kind: 'problem'
  readonly line: number
  readonly path: string
  readonly sentence: string
}

type Layout = Pick<Profile, 'delimiter' | 'quote'>

const RECORD_CHARACTERS_MAX = 65_536
const RECORD_LINES_MAX = 100
const TOO_LONG = `the row is longer than ${RECORD_CHARACTERS_MAX} characters`

/** Blank lines are no records; memory holds one piece of text and one record at most. */
export async function* csvRecords(
  pieces: AsyncIterable<string>,
  layout: Layout,
): AsyncGenerator<CsvRecord> {
  const lines = lineSplitter()
  let waiting: readonly string[] = []
  let line = 1
  for await (const piece of pieces) {
    const cut = recordsIn([...waiting, ...lines.take(piece)], line, layout, 'more follows')
    yield* cut.records
    line += cut.used
    waiting = cut.rest
  }
  yield* recordsIn([...waiting, ...lines.end()], line, layout, 'end of file').records
}

/** Lines without their ends. A line that is too long is cut to what shows that it is. */
function lineSplitter() {
  let open = ''
  return {
    take(piece: string): readonly string[] {
      const [first = '', ...others] = piece.split('\n')
      const lines = [open + first, ...others]
      open = (lines.pop() ?? '').slice(0, RECORD_CHARACTERS_MAX + 1)
      return lines.map((text) => (text.endsWith('\r') ? text.slice(0, -1) : text))
    },
    end(): readonly string[] {
      return open === '' ? [] : [open.endsWith('\r') ? open.slice(0, -1) : open]
    },
  }
}

type Line = { readonly line: number; readonly text: string }

type Cut = {
  readonly records: readonly CsvRecord[]
  readonly used: number
  readonly rest: readonly string[]
}

function recordsIn(
  lines: readonly string[],
  firstLine: number,
  layout: Layout,
  then: 'more follows' | 'end of file',
): Cut {
  const records: CsvRecord[] = []
  let single: Line[] = []
  let at = 0
  while (at < lines.length) {
    const line = firstLine + at
    const count = recordLines(lines, at, layout.quote)
    if (count === 'open' && then === 'more follows') break
    const text = lines[at] ?? ''
    if (count === 1) {
      if (text.trim() !== '') single.push({ line, text })
      at += 1
      continue
    }
    records.push(...parsedTogether(single, layout))
    single = []
    const whole =
      count === 'open' || count === 'never closed'
        ? undefined
        : parsed(lines.slice(at, at + count).join('\n'), layout)
    records.push(
      whole === undefined ? problem(line, notClosed(layout)) : { kind: 'record', line, ...whole },
    )
    at += whole === undefined || typeof count !== 'number' ? 1 : count
  }
  records.push(...parsedTogether(single, layout))
  return { records, used: at, rest: lines.slice(at) }
}

/** How many lines make the record that starts at `at`. */
function recordLines(
  lines: readonly string[],
  at: number,
  quote: string,
): number | 'open' | 'never closed' {
  let quotes = 0
  let characters = 0
  for (let next = at; next < lines.length; next += 1) {
    const text = lines[next] ?? ''
    quotes += text.split(quote).length - 1
    characters += text.length
    if (quotes % 2 === 0) return next - at + 1
    if (next - at + 1 >= RECORD_LINES_MAX || characters > RECORD_CHARACTERS_MAX)
      return 'never closed'
  }
  return 'open'
}

/** Setting csv-parse up costs more than a row, so rows of one line are parsed together, and halved to find a bad one. */
function parsedTogether(rows: readonly Line[], layout: Layout): readonly CsvRecord[] {
  const [first] = rows
  if (first === undefined) return []
  const isShort = rows.every(({ text }) => text.length <= RECORD_CHARACTERS_MAX)
  const all = isShort ? parseAll(joined(rows), layout) : undefined
  if (all?.length === rows.length) {
    return rows.map(({ line }, index) => ({ kind: 'record', line, fields: all[index] ?? [] }))
  }
  if (rows.length === 1) return [problem(first.line, isShort ? bareQuote(layout) : TOO_LONG)]
  const half = rows.length >> 1
  return [rows.slice(0, half), rows.slice(half)].flatMap((part) => parsedTogether(part, layout))
}

function joined(rows: readonly Line[]): string {
  return rows.map(({ text }) => text).join('\n')
}

function parsed(text: string, layout: Layout): { fields: readonly string[] } | undefined {
  const [fields, ...others] = parseAll(text, layout) ?? []
  return fields === undefined || others.length > 0 ? undefined : { fields }
}

function parseAll(text: string, layout: Layout): string[][] | undefined {
  try {
    return parse(text, {
      delimiter: layout.delimiter,
      quote: layout.quote,
      record_delimiter: '\n',
      relax_column_count: true,
    })
  } catch {
    return undefined
  }
}

function problem(line: number, sentence: string): RowProblem {
  return { kind: 'problem', line, path: 'row', sentence }
}

function bareQuote({ quote }: Layout): string {
  return `a ${quote} stands inside a field: the field must be quoted and the ${quote} doubled`
}

function notClosed({ quote }: Layout): string {
  return `a ${quote} opens a field and is not closed, or stands inside one without being doubled`
}
