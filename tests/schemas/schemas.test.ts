import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import {
  fullNameOf,
  isDefinition,
  isUnion,
  readSchemas,
  type AvroField,
  type AvroSchema,
  type NamedSchema,
} from '../../schemas/avsc-files.ts'
import { inlined } from '../../schemas/inline.ts'
import { topics } from '../../schemas/topics.ts'
import { written } from '../../schemas/written.ts'
import { releasedCodecs, releasedVersions } from '../support/released-codecs.ts'

const root = path.join(import.meta.dirname, '../..')
const folder = path.join(root, 'schemas')
const schemas = readSchemas()

type PlacedField = AvroField & { readonly place: string }

/** Every field of a schema, those of records defined inside it too. */
function fieldsIn(schema: AvroSchema, place: string): readonly PlacedField[] {
  if (typeof schema === 'string') return []
  if (isUnion(schema)) return schema.flatMap((member) => fieldsIn(member, place))
  if (!isDefinition(schema)) return []
  const here = schema.name === undefined ? place : `${place}/${schema.name}`
  return [
    ...(schema.fields ?? []).flatMap((field) => [
      { ...field, place: `${here}.${field.name}` },
      ...fieldsIn(field.type, here),
    ]),
    ...[schema.items, schema.values, schema.type].flatMap((part) =>
      part === undefined ? [] : fieldsIn(part, here),
    ),
  ]
}

function named(fullName: string): NamedSchema {
  const schema = schemas.find((one) => fullNameOf(one) === fullName)
  if (schema === undefined) throw new Error(`no schema ${fullName}`)
  return schema
}

/** The short names in the body of an envelope. */
function bodiesOf(fullName: string): readonly string[] {
  const type = named(fullName).fields?.find((field) => field.name === 'body')?.type ?? []
  if (!isUnion(type)) throw new Error(`the body of ${fullName} is no union`)
  return type.map(String).map((name) => name.slice(name.lastIndexOf('.') + 1))
}

const fields = schemas.flatMap((schema) => fieldsIn(schema, ''))

describe('every schema', () => {
  test('is found, and so is every field', () => {
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    expect(schemas.length).toBe(files.filter((file) => file.endsWith('.avsc')).length)
    expect(fields.length).toBeGreaterThan(150)
    expect(fields.map(({ place }) => place)).toContain('/RootState/Remembered.commandId')
  })

  test('has a doc for every record, every enum and every field', () => {
    const silent = [
      ...schemas.filter(({ doc = '' }) => doc === '').map(fullNameOf),
      ...fields.filter(({ doc = '' }) => doc.trim() === '').map(({ place }) => place),
    ]
    expect(silent).toEqual([])
  })

  test('gives every field one of the four privacy classes', () => {
    const classes: readonly unknown[] = ['identity', 'financial', 'derived', 'operational']
    const unclassed = fields.filter(({ privacy }) => !classes.includes(privacy))
    expect(unclassed.map(({ place }) => place)).toEqual([])
  })

  test('has a full name and a file name that say the same', () => {
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.avsc')) continue
      const schema = JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as NamedSchema
      const match = /^([a-z]+)[/\\]([a-z-]+)\.(v[1-9]\d*)\.avsc$/.exec(file)
      expect(match, file).not.toBeNull()
      const [, aggregate, kebab = '', version] = match ?? []
      expect(schema.namespace, file).toBe(`saldo.${aggregate}.${version}`)
      expect(schema.name.replaceAll(/(?<!^)[A-Z]/g, '-$&').toLowerCase(), file).toBe(kebab)
    }
  })

  test('gives null as the default of what may be null, so that it can be added to', () => {
    const optional = fields.filter(({ type }) => isUnion(type) && type.length === 2)
    expect(optional.length).toBeGreaterThan(30)
    expect(optional.filter((field) => field.default !== null).map(({ place }) => place)).toEqual([])
  })

  test('keeps amounts as longs and nothing as a float but a confidence', () => {
    const amounts = fields.filter(({ name }) => name.endsWith('Minor'))
    expect(amounts.length).toBeGreaterThan(3)
    for (const { type, place } of amounts)
      expect(isUnion(type) ? type[1] : type, place).toBe('long')
    const floats = fields.filter(({ type }) => type === 'double' || type === 'float')
    expect(new Set(floats.map(({ name }) => name))).toEqual(new Set(['confidence']))
  })
})

describe('the names of the contract', () => {
  test('of events are past tense', () => {
    const events = bodiesOf('saldo.ledger.v1.LedgerEvent')
    expect(events.length).toBeGreaterThan(10)
    expect(events.filter((name) => !/[a-z](?:ed|en)$|Set$|Split$/.test(name))).toEqual([])
  })

  test('of commands are imperative: a verb, then a noun', () => {
    const verbs =
      /^(?:Advance|Open|Rename|Close|Record|Amend|Delete|Override|Create|Set|Remove|Split|Reconcile|Unpark|Resume|Transfer|Update)[A-Z][a-z]+$/
    const commands = bodiesOf('saldo.ledger.v1.LedgerCommand')
    expect(commands.length).toBeGreaterThan(10)
    expect(commands.filter((name) => !verbs.test(name))).toEqual([])
  })

  test('never give two members of one union the same short name', () => {
    for (const envelope of ['saldo.ledger.v1.LedgerEvent', 'saldo.ledger.v1.LedgerCommand']) {
      const bodies = bodiesOf(envelope)
      expect(new Set(bodies).size).toBe(bodies.length)
    }
  })
})

test('free text of an event is in its sealed part only: no body has a text that identifies', () => {
  const bodies = bodiesOf('saldo.ledger.v1.LedgerEvent')
  // How figures are shown: a zone and a tag from closed lists, judged by the rules.
  const allowed = ['/PreferencesChanged.before', '/PreferencesChanged.after']
  const identifying = schemas
    .filter(({ name }) => bodies.includes(name))
    .flatMap((schema) => fieldsIn(schema, ''))
    .filter(({ privacy }) => privacy === 'identity')
    .map(({ place }) => place)
  expect(identifying).toEqual(allowed)
})

describe('released schemas', () => {
  test('have ids of their own in the reserved range, counted by version', () => {
    const ids = releasedVersions.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    for (const { id, name, file } of releasedVersions) {
      expect(id >>> 24).toBe(0x7f)
      expect(file).toBe(`${name}.${String((id & 0xff) + 1).padStart(3, '0')}.json`)
    }
  })

  test('are each read and written by a codec, and the newest is what the files say', () => {
    expect([...new Set(releasedVersions.map(({ name }) => name))].sort()).toEqual(
      Object.keys(releasedCodecs).sort(),
    )
    for (const [name, codec] of Object.entries(releasedCodecs)) {
      const newest = releasedVersions.findLast((version) => version.name === name)
      expect(codec.newestId).toBe(newest?.id)
      expect(codec.schemaId).toBe(written[name] ?? newest?.id)
      expect(newest?.schema).toEqual(inlined(named(name), schemas))
    }
  })

  test('carry every topic', () => {
    for (const { schema } of Object.values(topics)) expect(releasedCodecs).toHaveProperty([schema])
    const ids = Object.values(topics).map(({ topicId }) => topicId)
    expect(new Set(ids).size).toBe(ids.length)
  })
})

test('what is generated from the schemas is current', async () => {
  const generate = path.join(folder, 'generate.ts')
  const { stderr } = await promisify(execFile)(process.execPath, [generate, '--check'], {
    cwd: root,
  })
  expect(stderr).toBe('')
})
