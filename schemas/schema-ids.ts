/**
 * Ids of a schema registry beside our own. The engine knows its own ids only, so that what it stores and chains does
 * not depend on a registry; records are given the registry's where they enter the log, and ours where they leave it.
 */
import { schemaIdOf } from './codec.ts'

/** As plain data: it is made once in a process and crosses to the threads of its roles. */
export type SchemaIds = {
  /** What a record is written with, by our id. */
  readonly outward: readonly (readonly [ownId: number, registryId: number])[]
  /** Every id of the registry whose bytes are those of one of our versions. */
  readonly inward: readonly (readonly [registryId: number, ownId: number])[]
}

export type IdTranslation = {
  /** The same bytes, or a copy with the registry's id. */
  outward(value: Buffer): Buffer
  /** The same bytes, or a copy with our id. */
  inward(value: Buffer): Buffer
}

export function idTranslation({ outward, inward }: SchemaIds): IdTranslation {
  return { outward: replacing(new Map(outward)), inward: replacing(new Map(inward)) }
}

function replacing(ids: ReadonlyMap<number, number>): (value: Buffer) => Buffer {
  return (value) => {
    const id = ids.get(schemaIdOf(value))
    if (id === undefined) return value
    // The bytes are the caller's: it may send them again, or have hashed them.
    const copy = Buffer.from(value)
    copy.writeInt32BE(id, 1)
    return copy
  }
}
