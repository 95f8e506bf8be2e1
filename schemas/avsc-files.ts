import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** A parsed Avro schema: an object for a definition, a string for a reference, an array for a union. */
export type AvroSchema = string | readonly AvroSchema[] | AvroDefinition

export type AvroDefinition = {
  readonly type: AvroSchema
  readonly name?: string
  readonly namespace?: string
  readonly doc?: string
  readonly logicalType?: string
  readonly symbols?: readonly string[]
  readonly items?: AvroSchema
  readonly values?: AvroSchema
  readonly fields?: readonly AvroField[]
}

export type AvroField = {
  readonly name: string
  readonly type: AvroSchema
  readonly privacy?: 'identity' | 'financial' | 'derived' | 'operational'
  readonly doc?: string
  readonly default?: unknown
}

export type NamedSchema = AvroDefinition & { readonly name: string; readonly namespace: string }

export function isDefinition(schema: AvroSchema): schema is AvroDefinition {
  return typeof schema === 'object' && !Array.isArray(schema)
}

export function isUnion(schema: AvroSchema): schema is readonly AvroSchema[] {
  return Array.isArray(schema)
}

export function fullNameOf(schema: NamedSchema): string {
  return `${schema.namespace}.${schema.name}`
}

/** Every `.avsc` file below this folder, parsed; a schema comes after those it refers to. */
export function readSchemas(folder: string = import.meta.dirname): readonly NamedSchema[] {
  const unsorted = new Map<string, NamedSchema>()
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    if (!file.endsWith('.avsc') || file.startsWith('released')) continue
    const schema = JSON.parse(readFileSync(join(folder, file), 'utf8')) as NamedSchema
    unsorted.set(fullNameOf(schema), schema)
  }
  const sorted: NamedSchema[] = []
  const visit = (name: string): void => {
    const schema = unsorted.get(name)
    if (schema === undefined) return
    unsorted.delete(name)
    for (const other of referencesIn(schema)) visit(other)
    sorted.push(schema)
  }
  for (const name of unsorted.keys()) visit(name)
  return sorted
}

function referencesIn(schema: AvroSchema): readonly string[] {
  if (typeof schema === 'string') return schema.includes('.') ? [schema] : []
  if (isUnion(schema)) return schema.flatMap(referencesIn)
  if (!isDefinition(schema)) return []
  const inner = [schema.items, schema.values, ...(schema.fields ?? []).map((field) => field.type)]
  const own = typeof schema.type === 'string' ? [] : [schema.type]
  return [...own, ...inner].flatMap((part) => (part === undefined ? [] : referencesIn(part)))
}
