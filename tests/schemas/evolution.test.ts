/** Release N beside N+1: a next version of every schema is made here, with all that a compatible change may add. */
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AvroDefinition, AvroSchema } from '../../schemas/avsc-files.ts'
import {
  codecOf,
  commandCodec,
  commandContent,
  contentUnder,
  eventCodec,
} from '../../schemas/codec.ts'
import type { ReleasedSchema } from '../../schemas/released-schemas.ts'
import type { LedgerCommandBody, LedgerEvent } from '../../schemas/types.ts'
import { ledgerTables } from '../../topology/table-reader.ts'
import { outcomesOf, runOnce, send, start, wish } from '../support/actor-run.ts'
import { commandRecord, newWorld } from '../support/actor-world.ts'
import { groceries, opened } from '../support/example-commands.ts'
import { arbitraryOf, releasedVersions } from '../support/released-codecs.ts'
import { NOW } from '../support/specification.ts'

type Value = { readonly [field: string]: unknown }

const names = [...new Set(releasedVersions.map(({ name }) => name))]
const later = { name: 'addedLater', type: ['null', 'string'], default: null }
const laterMember = {
  type: 'record',
  name: 'HappenedLater',
  namespace: 'saldo.later.v1',
  fields: [{ name: 'laterId', type: 'string' }],
}

/** All versions of a schema and one more: a field with a default, and a member in each union of records. */
function withNext(name: string): readonly ReleasedSchema[] {
  const versions = releasedVersions.filter((version) => version.name === name)
  const newest = versions.at(-1)
  if (newest === undefined) throw new Error(`no schema ${name}`)
  const schema = newest.schema as AvroDefinition
  const fields = (schema.fields ?? []).map((field) =>
    Array.isArray(field.type) && field.type.length > 2
      ? { ...field, type: [...(field.type as readonly AvroSchema[]), laterMember] }
      : field,
  )
  const next = { ...schema, fields: [...fields, later] } as AvroSchema
  return [...versions, { id: newest.id + 1, name, schema: next }]
}

describe.each(names)('%s', (name) => {
  const versions = withNext(name)
  const [current, next] = versions.slice(-2) as [ReleasedSchema, ReleasedSchema]
  const values = arbitraryOf(current.schema) as fc.Arbitrary<Value>
  const today = codecOf<Value>(versions.slice(0, -1))
  const tomorrow = codecOf<Value>(versions)
  const switchedOff = codecOf<Value>(versions, current.id)

  test('of today is read by the next release, with the default of what was added', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(tomorrow.decode(today.encode(value))).toEqual({ ...value, addedLater: null })
      }),
      { numRuns: 50 },
    )
  })

  test('is written by the next release as today until it is switched on', () => {
    expect(switchedOff).toMatchObject({ schemaId: current.id, newestId: next.id })
    fc.assert(
      fc.property(values, fc.option(fc.string()), (value, addedLater) => {
        const bytes = switchedOff.encode({ ...value, addedLater })
        expect(bytes.equals(today.encode(value))).toBe(true)
        expect(today.decode(bytes)).toEqual(value)
        // A process that writes it already may run beside: what it wrote is read with the switch off, too.
        const on = { ...value, addedLater }
        expect(switchedOff.decode(tomorrow.encode(on))).toEqual(on)
      }),
      { numRuns: 50 },
    )
  })

  test('of the next release, switched on, is refused today, and the refusal says what to run', () => {
    const [value = {}] = fc.sample(values, 1)
    const bytes = tomorrow.encode({ ...value, addedLater: 'x' })
    expect(() => today.decode(bytes)).toThrow(
      `unknown schema id ${next.id}, of a newer release: run that one, or a newer one`,
    )
  })
})

test('a new member of a union cannot be written while it is switched off', () => {
  const versions = withNext('saldo.ledger.v1.LedgerEvent')
  const body = { type: 'HappenedLater', laterId: 'l-1' }
  const [example] = fc.sample(arbitraryOf(versions[0]?.schema ?? 'null'), 1)
  const event = { ...(example as Value), addedLater: null, body }
  const tomorrow = codecOf<Value>(versions)
  expect(tomorrow.decode(tomorrow.encode(event))).toEqual(event)
  const switchedOff = codecOf<Value>(versions, versions.at(-2)?.id)
  expect(() => switchedOff.encode(event)).toThrow()
})

describe('the content of a command', () => {
  const [envelope] = withNext('saldo.ledger.v1.LedgerCommand').slice(-2)
  const schema = envelope?.schema as AvroDefinition
  const bodyOf = (part: AvroDefinition): readonly AvroDefinition[] =>
    part.fields?.find(({ name }) => name === 'body')?.type as readonly AvroDefinition[]
  const values = arbitraryOf(schema) as fc.Arbitrary<{ readonly body: { readonly type: string } }>
  const bodies = values.map(({ body }) => body)
  const today = contentUnder(schema)

  /** Each command with one more field, and the union with a member before all others. */
  function grown(): AvroSchema {
    const members = bodyOf(schema).map((member) => ({
      ...member,
      fields: [...(member.fields ?? []), later],
    }))
    const type = [laterMember, ...members] as unknown as AvroSchema
    const fields = (schema.fields ?? []).map((field) =>
      field.name === 'body' ? { ...field, type } : field,
    )
    return { ...schema, fields }
  }

  test('is the same under a release that adds fields and commands, as long as they are not used', () => {
    const tomorrow = contentUnder(grown())
    fc.assert(
      fc.property(bodies, (body) => {
        const content = today(body).toString('hex')
        expect(tomorrow({ ...body, addedLater: null } as typeof body).toString('hex')).toBe(content)
        const used = { ...body, addedLater: '' } as typeof body
        expect(tomorrow(used).toString('hex')).not.toBe(content)
      }),
    )
  })

  test('is another one for every other wish', () => {
    fc.assert(
      fc.property(bodies, bodies, (one, other) => {
        const isSame = commandBytes(one) === commandBytes(other)
        expect(today(one).equals(today(other))).toBe(isSame)
      }),
      { numRuns: 500 },
    )
    const plain = { ...opened, name: '', bankName: null }
    const contents = [
      plain,
      { ...plain, name: null },
      { ...plain, bankName: '' },
      { ...plain, name: '\0' },
      { ...plain, name: '\0\0' },
      { ...plain, bankName: '\0' },
    ].map((body) => today(body).toString('hex'))
    expect(new Set(contents).size).toBe(contents.length)
  })

  function commandBytes(body: { readonly type: string }): string {
    return commandCodec
      .encode({ ...wish(opened), commandId: '', body: body as never })
      .toString('hex')
  }

  // What is stored in every state that was created: changed bytes would make a repeated command a second use of its id.
  test('of examples is what it always was', () => {
    const hash = (body: LedgerCommandBody): string =>
      createHash('sha256').update(commandContent(body)).digest('hex').slice(0, 16)
    expect(hash(opened)).toBe('a28117010800a061')
    expect(hash(groceries)).toBe('46d0e3503cb73d4e')
    expect(hash({ type: 'CreateCategory', categoryId: 'c-1', name: 'Boat' })).toBe(
      '65fcc8e077daab92',
    )
  })
})

describe('this release beside the next one', () => {
  const ofNext = (bytes: Buffer): Buffer => {
    const copy = Buffer.from(bytes)
    copy.writeInt32BE(copy.readInt32BE(1) + 1, 1)
    return copy
  }

  test('sets a command of it aside, and goes on with the rest', async () => {
    const here = newWorld({ seed: 3, now: () => NOW })
    const record = commandRecord(wish(opened, 'user-2'))
    await here.log.producer().append([{ ...record, value: ofNext(record.value) }])
    await send(here, wish(opened), wish(groceries))
    await runOnce(here)
    expect(outcomesOf(here).map(({ verdict }) => verdict)).toEqual(['accepted', 'accepted'])
    const letters = here.log.committed({ topic: 'ledger.dead-letters', partition: 0 })
    expect(letters).toHaveLength(1)
    expect(() => commandCodec.decode(ofNext(record.value))).toThrow('of a newer release')
  })

  test('stops at an event of it, in the actors and in the tables, and says what to run', async () => {
    const here = newWorld({ seed: 3, now: () => NOW })
    await send(here, wish(opened))
    await runOnce(here)
    const place = { topic: 'ledger.events', partition: 0 } as const
    const [stored] = here.log.committed(place)
    const event = eventCodec.decode(stored?.value ?? Buffer.of()) satisfies LedgerEvent
    const value = ofNext(eventCodec.encode({ ...event, sequence: 2, version: 2 }))
    await here.log.producer().append([{ ...place, key: Buffer.from('user-1'), value }])
    const unreadable = {
      code: 'SALDO_EVENT_UNREADABLE',
      message: expect.stringMatching(/offset \d+ is not readable: .*of a newer release: run that/),
    }
    await expect(start(here).ended).rejects.toMatchObject(unreadable)
    const records = here.log.committed(place)
    const keys = { existingKeysOf: () => Promise.resolve(new Map()) }
    const opening = Promise.resolve().then(() => ledgerTables.open(records, 0, keys))
    await expect(opening).rejects.toMatchObject(unreadable)
  })
})
