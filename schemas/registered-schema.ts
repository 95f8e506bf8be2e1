/** What a registry has under an id. An id never changes its schema, as long as the registry keeps what it has. */
import { canonicalForm } from './avro-types.ts'
import type { AvroSchema } from './avsc-files.ts'
import { fieldOf, noRegistry, unavailable, type RegistryHttp } from './registry-http.ts'
import type { ReleasedSchema } from './released-schemas.ts'

/** `schema` is undefined where the text is no schema in Avro. */
export type IdMeaning = 'nothing' | { readonly schema: AvroSchema | undefined }

const NO_SCHEMA_WITH_ID = 40_403

/** Rejects with SALDO_REGISTRY_UNAVAILABLE where what answers says nothing about the id. */
export async function schemaWithId(http: RegistryHttp, id: number): Promise<IdMeaning> {
  const { status, body } = await http.send('GET', `/schemas/ids/${id}`)
  if (status === 404) {
    // Whatever stands in front of a registry that is away may answer with 404 as well.
    if (fieldOf(body, 'error_code') === NO_SCHEMA_WITH_ID) return 'nothing'
    throw unavailable('it answers with 404 as no registry does', true)
  }
  const text = fieldOf(body, 'schema')
  if (typeof text !== 'string') throw noRegistry()
  return { schema: avroIn(text) }
}

export function avroIn(text: string): AvroSchema | undefined {
  try {
    const schema = JSON.parse(text) as AvroSchema
    canonicalForm(schema)
    return schema
  } catch {
    return undefined
  }
}

export function isSame(one: AvroSchema | undefined, other: ReleasedSchema['schema']): boolean {
  return one !== undefined && canonicalForm(one) === canonicalForm(other)
}
