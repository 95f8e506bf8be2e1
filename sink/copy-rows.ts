/** Rows → the text format of COPY. Pure, so that escaping is property-tested. */
import type { Writable } from 'node:stream'
import type pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'

export type CopyValue = string | number | bigint | boolean | Uint8Array | readonly string[] | null

const CHUNK_CHARACTERS = 256 * 1024

/** One line of COPY text, with its line feed. */
export function copyLine(values: readonly CopyValue[]): string {
  let line = ''
  for (let column = 0; column < values.length; column++) {
    line += (column === 0 ? '' : '\t') + copyText(values[column] ?? null)
  }
  return `${line}\n`
}

function copyText(value: CopyValue): string {
  switch (typeof value) {
    case 'string':
      return escaped(value)
    case 'number':
    case 'bigint':
      return String(value)
    case 'boolean':
      return value ? 't' : 'f'
    default:
      if (value === null) return '\\N'
      if (value instanceof Uint8Array) return `\\\\x${hexOf(value)}`
      return escaped(`{${value.map(quotedElement).join(',')}}`)
  }
}

const SPECIAL = /[\\\t\n\r]/
const ALL_SPECIAL = /[\\\t\n\r]/g
const escapes: { readonly [character: string]: string } = {
  '\\': '\\\\',
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
}

function escaped(text: string): string {
  // Most texts need nothing, and testing is cheaper than replacing.
  return SPECIAL.test(text)
    ? text.replace(ALL_SPECIAL, (character) => escapes[character] ?? '')
    : text
}

function quotedElement(text: string): string {
  return `"${text.replace(/[\\"]/g, (character) => `\\${character}`)}"`
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
}

/** Copies rows into a table; `target` is the table and its columns, written by us, never by a user. */
export async function copyInto(
  client: pg.ClientBase,
  target: string,
  rows: Iterable<readonly CopyValue[]>,
): Promise<void> {
  const stream = client.query(copyFrom(`COPY ${target} FROM STDIN`))
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  stream.on('finish', resolve)
  let refused = false
  stream.on('error', (error) => {
    refused = true
    reject(error)
  })
  try {
    await writeLines(stream, rows, promise)
  } catch (error) {
    if (refused) throw error
    // The rows themselves failed: the server would wait for more, and the next query with it.
    stream.destroy(new Error('the rows could not be made'))
    await promise.catch(() => undefined)
    throw error
  }
  await promise
}

async function writeLines(
  stream: Writable,
  rows: Iterable<readonly CopyValue[]>,
  ended: Promise<void>,
): Promise<void> {
  let chunk = ''
  for (const row of rows) {
    chunk += copyLine(row)
    if (chunk.length < CHUNK_CHARACTERS) continue
    if (!stream.write(chunk)) await Promise.race([drained(stream), ended])
    chunk = ''
  }
  stream.end(chunk)
}

function drained(stream: NodeJS.EventEmitter): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  stream.once('drain', resolve)
  return promise
}
