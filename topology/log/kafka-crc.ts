const STEP = 8
const REVERSED_POLYNOMIAL = 0x82f63b78

/** Table n, of 256 entries: what a byte leaves behind when n bytes follow it. */
const table = new Int32Array(STEP * 256)
for (let byte = 0; byte < 256; byte++) {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ REVERSED_POLYNOMIAL : crc >>> 1
  table[byte] = crc
}
for (let at = 256; at < table.length; at++) {
  const before = entry(0, at - 256)
  table[at] = (before >>> 8) ^ entry(0, before & 255)
}

/**
 * CRC-32C (Castagnoli), which Kafka protects its record batches with; Node's `zlib.crc32` is the other one. Eight bytes
 * a step by eight tables: byte by byte it is the dearest part of reading.
 */
export function crc32c(bytes: Uint8Array): number {
  let crc = -1
  let at = 0
  for (const last = bytes.length - STEP; at <= last; at += STEP) {
    crc ^=
      byteAt(bytes, at) |
      (byteAt(bytes, at + 1) << 8) |
      (byteAt(bytes, at + 2) << 16) |
      (byteAt(bytes, at + 3) << 24)
    crc =
      entry(7, crc & 255) ^
      entry(6, (crc >>> 8) & 255) ^
      entry(5, (crc >>> 16) & 255) ^
      entry(4, crc >>> 24) ^
      entry(3, byteAt(bytes, at + 4)) ^
      entry(2, byteAt(bytes, at + 5)) ^
      entry(1, byteAt(bytes, at + 6)) ^
      entry(0, byteAt(bytes, at + 7))
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ entry(0, (crc ^ byteAt(bytes, at)) & 255)
  return ~crc >>> 0
}

function entry(following: number, value: number): number {
  return table[following * 256 + value] as number
}

function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] as number
}
