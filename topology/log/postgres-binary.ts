/**
 * Arrays in PostgreSQL's binary wire form. Rows come back by COPY: pg decodes every value as UTF-8, binary ones too.
 *
 * The server executes a statement only after its whole bind message has arrived. So records that travel as arrays of
 * one call never hold a lock while a client is still sending, in one round trip, and leave nothing to clean up.
 */
const OID = { bytea: 17, int2: 21, int4: 23 } as const
const HEADER_BYTES = 20

/** A one-dimensional `bytea[]`. */
export function byteaArray(values: readonly Uint8Array[]): Buffer {
  let size = HEADER_BYTES
  for (const value of values) size += 4 + value.length
  const array = header(Buffer.allocUnsafe(size), OID.bytea, values.length)
  let position = HEADER_BYTES
  for (const value of values) {
    position = array.writeInt32BE(value.length, position)
    array.set(value, position)
    position += value.length
  }
  return array
}

/** A one-dimensional `int4[]`. */
export function int4Array(values: readonly number[]): Buffer {
  return integers(values, OID.int4, 4, (array, value, position) =>
    array.writeInt32BE(value, position),
  )
}

/** A one-dimensional `int2[]`. */
export function int2Array(values: readonly number[]): Buffer {
  return integers(values, OID.int2, 2, (array, value, position) =>
    array.writeInt16BE(value, position),
  )
}

function integers(
  values: readonly number[],
  oid: number,
  bytes: number,
  write: (array: Buffer, value: number, position: number) => void,
): Buffer {
  const step = 4 + bytes
  const array = header(Buffer.allocUnsafe(HEADER_BYTES + step * values.length), oid, values.length)
  for (const [index, value] of values.entries()) {
    const position = HEADER_BYTES + step * index
    array.writeInt32BE(bytes, position)
    write(array, value, position + 4)
  }
  return array
}

function header(array: Buffer, elementOid: number, length: number): Buffer {
  array.writeInt32BE(length === 0 ? 0 : 1, 0)
  array.writeInt32BE(0, 4)
  array.writeInt32BE(elementOid, 8)
  array.writeInt32BE(length, 12)
  array.writeInt32BE(1, 16)
  // An empty array ends after the element type.
  return length === 0 ? array.subarray(0, 12) : array
}
