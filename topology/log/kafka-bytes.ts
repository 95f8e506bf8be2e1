/** Primitive types of Kafka's protocol, for the few messages that kafkajs cannot speak or decodes too slowly. */

export class KafkaWriter {
  readonly #parts: Buffer[] = []

  get bytes(): Buffer {
    return Buffer.concat(this.#parts)
  }

  int8(value: number): this {
    return this.#fixed(1, (bytes) => bytes.writeInt8(value))
  }

  int16(value: number): this {
    return this.#fixed(2, (bytes) => bytes.writeInt16BE(value))
  }

  int32(value: number): this {
    return this.#fixed(4, (bytes) => bytes.writeInt32BE(value))
  }

  int64(value: bigint): this {
    return this.#fixed(8, (bytes) => bytes.writeBigInt64BE(value))
  }

  string(text: string): this {
    this.int16(Buffer.byteLength(text))
    this.#parts.push(Buffer.from(text))
    return this
  }

  /** A length as the compact types have it: one more than it is, seven bits a byte. */
  compactLength(length: number): this {
    const bytes: number[] = []
    let rest = length + 1
    for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128)
    this.#parts.push(Buffer.from([...bytes, rest]))
    return this
  }

  compactString(text: string): this {
    this.compactLength(Buffer.byteLength(text))
    this.#parts.push(Buffer.from(text))
    return this
  }

  raw(bytes: Buffer): this {
    this.#parts.push(bytes)
    return this
  }

  #fixed(size: number, write: (bytes: Buffer) => void): this {
    const bytes = Buffer.allocUnsafe(size)
    write(bytes)
    this.#parts.push(bytes)
    return this
  }
}

export class KafkaReader {
  readonly #bytes: Buffer
  #at: number

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes
    this.#at = at
  }

  get at(): number {
    return this.#at
  }

  int8(): number {
    return this.#bytes.readInt8(this.#skip(1))
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#skip(2))
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#skip(4))
  }

  int64(): bigint {
    return this.#bytes.readBigInt64BE(this.#skip(8))
  }

  string(): string {
    return this.raw(Math.max(0, this.int16())).toString()
  }

  raw(length: number): Buffer {
    const from = this.#skip(length)
    return this.#bytes.subarray(from, from + length)
  }

  /** −1 where there is nothing. */
  compactLength(): number {
    return this.#varint() - 1
  }

  compactString(): string {
    return this.raw(Math.max(0, this.compactLength())).toString()
  }

  /** Fields of a later version, which this one has no use for. */
  tags(): void {
    for (let left = this.#varint(); left > 0; left--) {
      this.#varint()
      this.raw(this.#varint())
    }
  }

  /** A signed number of a record: zigzag, up to 32 bits. */
  varint(): number {
    const raw = this.#varint()
    return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2
  }

  /** Bytes of a record; undefined where the field is null. */
  varBytes(): Buffer | undefined {
    const length = this.varint()
    return length < 0 ? undefined : this.raw(length)
  }

  // Multiplied, not shifted: a timestamp's difference may have more than 32 bits.
  #varint(): number {
    let value = 0
    for (let unit = 1; ; unit *= 128) {
      const byte = this.#bytes.readUInt8(this.#skip(1))
      value += (byte & 127) * unit
      if (byte < 128) return value
    }
  }

  #skip(length: number): number {
    const from = this.#at
    this.#at += length
    if (this.#at > this.#bytes.length) throw new RangeError('a message ends in the middle')
    return from
  }
}
