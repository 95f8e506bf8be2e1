/** Unpacks what producers or brokers packed: every compression that Kafka has. */
import { createRequire } from 'node:module'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'

/** A batch is a megabyte or a few; what would unpack to more was made to fill the memory. */
const UNPACKED_BYTES_MAX = 64 * 1024 ** 2
/** Java's producers cut a snappy stream into blocks and put this before; others send it as it is. */
const BLOCKS_MAGIC = Buffer.from([0x82, ...Buffer.from('SNAPPY'), 0])
const BLOCKS_HEADER_BYTES = 16

type Unpack = (packed: Buffer) => Buffer
type SnappyJs = { uncompress(packed: Buffer, bytesMax: number): Buffer }
type Lz4Js = {
  decompressBound(packed: Buffer): number
  decompress(packed: Buffer, bytesMax: number): Uint8Array
}

const require = createRequire(import.meta.url)
const limit = { maxOutputLength: UNPACKED_BYTES_MAX }

/** By their number in a batch. */
const codecs: ReadonlyMap<number, Unpack> = new Map([
  [0, (plain: Buffer) => plain],
  [1, (packed: Buffer) => gunzipSync(packed, limit)],
  [2, unpackSnappy],
  [3, unpackLz4],
  [4, (packed: Buffer) => zstdDecompressSync(packed, limit)],
])

/** Undefined for a compression that nobody had heard of. */
export function codecOf(number: number): Unpack | undefined {
  return codecs.get(number)
}

function unpackSnappy(packed: Buffer): Buffer {
  // Loaded when the first such batch comes, which is never where the topics are as Saldo makes them.
  const { uncompress } = require('snappyjs') as SnappyJs
  if (!packed.subarray(0, BLOCKS_MAGIC.length).equals(BLOCKS_MAGIC)) {
    return uncompress(packed, UNPACKED_BYTES_MAX)
  }
  const blocks: Buffer[] = []
  let left = UNPACKED_BYTES_MAX
  for (let at = BLOCKS_HEADER_BYTES; at < packed.length;) {
    const end = at + 4 + packed.readInt32BE(at)
    const block = uncompress(packed.subarray(at + 4, end), left)
    blocks.push(block)
    left -= block.length
    at = end
  }
  return Buffer.concat(blocks)
}

function unpackLz4(packed: Buffer): Buffer {
  const { decompress, decompressBound } = require('lz4js') as Lz4Js
  const plain = decompress(packed, Math.min(decompressBound(packed), UNPACKED_BYTES_MAX))
  return Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength)
}
