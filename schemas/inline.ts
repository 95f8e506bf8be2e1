import {
  fullNameOf,
  isDefinition,
  isUnion,
  type AvroSchema,
  type NamedSchema,
} from './avsc-files.ts'

/** The schema as one self-contained document: each name is defined where it is first used, without docs. */
export function inlined(root: NamedSchema, all: readonly NamedSchema[]): AvroSchema {
  const byName = new Map(all.map((schema) => [fullNameOf(schema), schema]))
  const defined = new Set<string>()
  const visit = (schema: AvroSchema): AvroSchema => {
    if (typeof schema === 'string') {
      const target = byName.get(schema)
      return target === undefined || defined.has(schema) ? schema : visit(target)
    }
    if (isUnion(schema)) return schema.map(visit)
    if (!isDefinition(schema)) return schema
    if (schema.name !== undefined && schema.namespace !== undefined) {
      defined.add(`${schema.namespace}.${schema.name}`)
    }
    const { doc: _doc, items, values, fields, ...rest } = schema
    return {
      ...rest,
      ...(items === undefined ? {} : { items: visit(items) }),
      ...(values === undefined ? {} : { values: visit(values) }),
      ...(fields === undefined
        ? {}
        : {
            fields: fields.map(({ doc: _fieldDoc, ...field }) => ({
              ...field,
              type: visit(field.type),
            })),
          }),
    }
  }
  return visit(root)
}
