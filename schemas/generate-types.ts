import {
  isDefinition,
  isUnion,
  type AvroDefinition,
  type AvroSchema,
  type NamedSchema,
} from './avsc-files.ts'

const primitives: { readonly [avro: string]: string } = {
  null: 'null',
  boolean: 'boolean',
  int: 'number',
  long: 'bigint',
  double: 'number',
  string: 'string',
  bytes: 'Buffer',
}

/** TypeScript types of all schemas. Members of a union of records carry their name as `type`. */
export function typesOf(schemas: readonly NamedSchema[]): string {
  const bodies = new Set(schemas.flatMap(taggedMembers))
  const parts = schemas.map((schema) => declaration(schema, bodies))
  const unions = schemas.flatMap((schema) =>
    (schema.fields ?? [])
      .filter((field) => isTagged(field.type))
      .map((field) => {
        const members = (field.type as readonly string[]).map(shortName)
        return `export type ${schema.name}${capital(field.name)} =\n${members.map((m) => `  | ${m}\n`).join('')}`
      }),
  )
  return `// Generated from the .avsc files by \`npm run generate\`. Do not edit.\n\n${[...parts, ...unions].join('\n')}`
}

function taggedMembers(schema: NamedSchema): readonly string[] {
  return (schema.fields ?? []).flatMap((field) =>
    isTagged(field.type) ? (field.type as readonly string[]).map(shortName) : [],
  )
}

function isTagged(type: AvroSchema): boolean {
  return isUnion(type) && type.length > 2
}

function declaration(schema: AvroDefinition, bodies: ReadonlySet<string>): string {
  const name = schema.name ?? ''
  if (schema.type === 'enum') {
    const symbols = (schema.symbols ?? []).map((symbol) => `'${symbol}'`)
    return `/** ${schema.doc ?? ''} */\nexport type ${name} = ${symbols.join(' | ')}\n`
  }
  const nested: string[] = []
  const fields = (schema.fields ?? []).map((field) => {
    const type = isTagged(field.type)
      ? `${name}${capital(field.name)}`
      : typeText(field.type, nested)
    return `  /** ${field.doc ?? ''} */\n  readonly ${field.name}: ${type}\n`
  })
  const tag = bodies.has(name) ? `  readonly type: '${name}'\n` : ''
  return `${nested.join('\n')}${nested.length > 0 ? '\n' : ''}/** ${schema.doc ?? ''} */\nexport type ${name} = {\n${tag}${fields.join('')}}\n`
}

function typeText(type: AvroSchema, nested: string[]): string {
  if (typeof type === 'string') return primitives[type] ?? shortName(type)
  if (isUnion(type)) {
    return [...type]
      .reverse()
      .map((member) => typeText(member, nested))
      .join(' | ')
  }
  if (!isDefinition(type)) throw new Error('a schema is a string, a union or a definition')
  if (type.name !== undefined) {
    nested.push(declaration(type, new Set()))
    return type.name
  }
  if (type.type === 'array') return `readonly ${typeText(type.items ?? 'null', nested)}[]`
  if (type.type === 'map') {
    return `{ readonly [key: string]: ${typeText(type.values ?? 'null', nested)} }`
  }
  // Counters and times stay below 2^53 and are plain numbers; dates are days since 1970-01-01.
  if (type.type === 'long' && type.logicalType !== undefined) return 'number'
  return typeText(type.type, nested)
}

function shortName(fullName: string): string {
  return fullName.slice(fullName.lastIndexOf('.') + 1)
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
