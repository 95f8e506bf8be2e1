/**
 * The bytes of a file as text.
 *
 * The file is read twice, a chunk at a time: what is wrong with it as a whole is known before its
 * first row becomes a command.
 */
import { createReadStream } from 'node:fs'
import iconv from 'iconv-lite'
import { SaldoError } from '../schemas/errors.ts'
import type { Profile } from './profiles/profile.ts'

export type TextFile = {
  readonly path: string
  readonly encoding: string
  readonly bytes: number
}

const marks: readonly (readonly [encoding: string, bytes: readonly number[]])[] = [
  ['utf-8', [0xef, 0xbb, 0xbf]],
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
]

/** Finds the encoding out; refuses a file that is empty, binary or in another encoding. */
export async function inspectText(path: string, expected: Profile['encoding']): Promise<TextFile> {
  const utf8 = new TextDecoder('utf-8', { fatal: true })
  let bytes = 0
  let mark: string | undefined
  let isUtf8 = true
  for await (const chunk of chunksOf(path)) {
    if (bytes === 0) mark = markOf(chunk)
    bytes += chunk.length
    if (mark === 'utf-16le' || mark === 'utf-16be') continue
    if (chunk.includes(0)) throw invalid(path, 'is not a text file: it contains NUL bytes')
    isUtf8 &&= decodes(utf8, chunk)
  }
  if (bytes === 0) throw invalid(path, 'is empty')
  isUtf8 &&= decodes(utf8)
  const encoding = mark ?? (expected === 'utf-8-or-windows-1252' ? either(isUtf8) : expected)
  if (encoding === 'utf-8' && !isUtf8) throw invalid(path, 'is not valid UTF-8')
  return { path, encoding, bytes }
}

/** The text in pieces, without a byte order mark; `onBytes` hears how many bytes are behind each piece. */
export async function* decodedText(
  file: TextFile,
  onBytes: (bytes: number) => void,
): AsyncGenerator<string> {
  const decoder = iconv.getDecoder(file.encoding)
  for await (const chunk of chunksOf(file.path)) {
    onBytes(chunk.length)
    yield decoder.write(chunk)
  }
  yield decoder.end() ?? ''
}

function either(isUtf8: boolean): string {
  return isUtf8 ? 'utf-8' : 'windows-1252'
}

function markOf(chunk: Buffer): string | undefined {
  return marks.find(([, mark]) => mark.every((byte, index) => chunk[index] === byte))?.[0]
}

function decodes(decoder: TextDecoder, chunk?: Buffer): boolean {
  try {
    decoder.decode(chunk, { stream: chunk !== undefined })
    return true
  } catch {
    return false
  }
}

async function* chunksOf(path: string): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of createReadStream(path)) yield chunk as Buffer
  } catch (error) {
    throw invalid(path, `cannot be read: ${error instanceof Error ? error.message : ''}`, error)
  }
}

function invalid(path: string, sentence: string, cause?: unknown): SaldoError {
  return new SaldoError('SALDO_INPUT_INVALID', `${JSON.stringify(path)} ${sentence}`, {
    retryable: false,
    cause,
  })
}
