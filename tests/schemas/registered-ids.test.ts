import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, expect, test } from 'vitest'
import { checkSchemas, fileProblems } from '../../schemas/check-schemas.ts'
import { commandCodec, eventCodec } from '../../schemas/codec.ts'
import { SaldoError } from '../../schemas/errors.ts'
import {
  foundIds,
  missingIn,
  problemsOf,
  registeredIds,
  subjectsOf,
} from '../../schemas/registered-ids.ts'
import { asRegistryError } from '../../schemas/registry-http.ts'
import { releasedSchemas, type ReleasedSchema } from '../../schemas/released-schemas.ts'
import { idTranslation } from '../../schemas/schema-ids.ts'
import { authority } from '../support/certificates.ts'
import { memoryRegistry } from '../support/memory-registry.ts'
import { stubRegistry } from '../support/stub-registry.ts'

const NAME = 'saldo.ledger.v1.LedgerCommand'
const versions = releasedSchemas(NAME)
const [first, second] = versions as [ReleasedSchema, ReleasedSchema]
const subject = { name: 's', topic: 'ledger.commands', versions }
const registered = (version: number, schema: ReleasedSchema['schema'] | undefined) => ({
  version,
  id: version,
  schema,
})

/** What a process that starts is told by a server that answers so. */
async function toldBy(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<SaldoError> {
  const stub = await stubRegistry(answer)
  try {
    return await registeredIds({ url: stub.url }).then(
      () => Promise.reject(new Error('ids came')),
      (error: unknown) => {
        if (error instanceof SaldoError) return error
        throw error
      },
    )
  } finally {
    await stub.close()
  }
}

describe('ids of a registry', () => {
  test('replace ours on the way out and come back as ours, and nothing else changes', () => {
    const { outward, inward } = idTranslation({
      outward: [[second.id, 7]],
      inward: [
        [7, second.id],
        [8, second.id],
      ],
    })
    const value = Buffer.concat([Buffer.from([0, 0, 0, 0, 0]), Buffer.from('body')])
    value.writeInt32BE(second.id, 1)
    const sent = outward(value)
    expect(sent.readInt32BE(1)).toBe(7)
    expect(value.readInt32BE(1)).toBe(second.id)
    expect(sent.subarray(5)).toEqual(value.subarray(5))
    expect(inward(sent)).toEqual(value)
    sent.writeInt32BE(8, 1)
    expect(inward(sent)).toEqual(value)
  })

  test('leave alone what they do not know: our own ids, foreign ones, and no records at all', () => {
    const { outward, inward } = idTranslation({
      outward: [[second.id, 7]],
      inward: [[7, second.id]],
    })
    for (const bytes of [Buffer.alloc(0), Buffer.from('no'), Buffer.from([0, 0, 0, 0, 9, 1])]) {
      expect(outward(bytes)).toBe(bytes)
      expect(inward(bytes)).toBe(bytes)
    }
  })

  test('that no file knows are refused with the setting that may be missing', () => {
    const record = Buffer.from([0, 0, 0, 0, 9, 1])
    expect(() => eventCodec.decode(record)).toThrow(/unknown schema id 9.*SCHEMA_REGISTRY_URL/)
  })
})

describe('what stands under a subject', () => {
  test('fits when it is ours, or ours with the marks that Java leaves', () => {
    const text = JSON.stringify(second.schema)
    const ofJava = text.replaceAll('"string"', '{"type":"string","avro.java.string":"String"}')
    expect(ofJava).not.toBe(text)
    const there = [first.schema, JSON.parse(ofJava) as ReleasedSchema['schema']].map(
      (schema, index) => registered(index + 1, schema),
    )
    expect(problemsOf(subject, { level: 'BACKWARD_TRANSITIVE', registered: there })).toEqual([])
    expect(missingIn(subject, there)).toEqual([])
  })

  test('fits when a newer release has added to it', () => {
    const newer = {
      ...(second.schema as object),
      fields: [
        ...(second.schema as unknown as { fields: object[] }).fields,
        { name: 'added', type: ['null', 'string'], default: null },
      ],
    } as unknown as ReleasedSchema['schema']
    const there = [registered(1, second.schema), registered(2, newer)]
    expect(problemsOf(subject, { level: 'FULL_TRANSITIVE', registered: there })).toEqual([])
  })

  test.for([
    ['another schema', registered(1, 'string'), /version 1 is another schema/],
    ['no Avro', registered(2, undefined), /version 2 is another schema/],
    [
      'an id of ours',
      { ...registered(1, first.schema), id: first.id },
      /the range that Saldo keeps/,
    ],
  ] as const)('is refused when it is %s', ([, there, problem]) => {
    const problems = problemsOf(subject, { level: undefined, registered: [there] })
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(problem)
  })

  test('is refused with another level of compatibility', () => {
    const [problem] = problemsOf(subject, { level: 'NONE', registered: [] })
    expect(problem).toBe('its compatibility is NONE and has to be BACKWARD_TRANSITIVE')
  })

  test('gets the versions that it lacks, but none before one that it has', () => {
    expect(missingIn(subject, [])).toEqual(versions)
    expect(missingIn(subject, [registered(1, first.schema)])).toEqual(versions.slice(1))
    expect(missingIn(subject, [registered(1, second.schema)])).toEqual(versions.slice(2))
  })
})

describe('a registry that', () => {
  test.for([
    [401, 'SALDO_CONFIG_INVALID', false],
    [403, 'SALDO_CONFIG_INVALID', false],
    [500, 'SALDO_REGISTRY_UNAVAILABLE', true],
    [503, 'SALDO_REGISTRY_UNAVAILABLE', true],
  ] as const)('answers with %i', async ([status, code, retryable]) => {
    const error = await toldBy((_, response) => response.writeHead(status).end('{}'))
    expect(error).toMatchObject({ code, retryable })
    expect(error.message).toContain(`${status}`)
  })

  test('is none is not asked again', async () => {
    const error = await toldBy((_, response) => response.end('<html>welcome</html>'))
    expect(error).toMatchObject({ code: 'SALDO_REGISTRY_UNAVAILABLE', retryable: false })
    expect(error.message).toContain('no schema registry')
  })

  test('cuts the connection is asked again', async () => {
    const error = await toldBy((request) => request.socket.destroy())
    expect(error).toMatchObject({ code: 'SALDO_REGISTRY_UNAVAILABLE', retryable: true })
  })

  test('is not there is asked again', async () => {
    const stub = await stubRegistry((_, response) => response.end())
    await stub.close()
    await expect(registeredIds({ url: stub.url })).rejects.toMatchObject({
      code: 'SALDO_REGISTRY_UNAVAILABLE',
      retryable: true,
    })
  })

  test('does not answer in time is asked again, and the message says so', () => {
    const cause = new DOMException('it took too long', 'TimeoutError')
    const error = asRegistryError(new Error('the operation was aborted', { cause }))
    expect(error).toMatchObject({ code: 'SALDO_REGISTRY_UNAVAILABLE', retryable: true })
    expect(error.message).toContain('no answer within 10 s')
  })

  test('wants a password gets it in a header and never in a message', async () => {
    const login = { username: 'engine', password: 'not to be told' }
    const asked: (string | undefined)[] = []
    const stub = await stubRegistry((request, response) => {
      asked.push(request.headers.authorization)
      response.writeHead(401).end('{}')
    })
    const error: unknown = await registeredIds({ url: stub.url, login }).catch(
      (told: unknown) => told,
    )
    await stub.close()
    const expected = `Basic ${Buffer.from('engine:not to be told').toString('base64')}`
    expect(new Set(asked)).toEqual(new Set([expected]))
    expect(JSON.stringify(error) + String(error)).not.toContain(login.password)
  })
})

describe('a registry behind TLS', () => {
  test('is asked and given schemas when its authority is named, and refused with the setting when not', async () => {
    const signer = authority('the signer of tests')
    const registry = await memoryRegistry(signer.certify('registry', ['127.0.0.1']))
    try {
      const { url } = registry
      await expect(registeredIds({ url })).rejects.toMatchObject({
        code: 'SALDO_CONFIG_INVALID',
        message: expect.stringContaining('SALDO_SCHEMA_REGISTRY_CA_FILE'),
      })
      const { certificate: ca } = authority('another')
      await expect(registeredIds({ url, ca })).rejects.toThrow('SALDO_SCHEMA_REGISTRY_CA_FILE')
      expect(registry.schemas).toEqual([])
      const ids = await registeredIds({ url, ca: signer.certificate })
      expect(ids.outward).toHaveLength(registry.schemas.length)
    } finally {
      await registry.close()
    }
  })
})

describe('a program outside', () => {
  const wanted = { prefix: '', topic: 'ledger.commands', writes: commandCodec.schemaId } as const

  test('is told the ids that the engine registered, and registers nothing itself', async () => {
    const registry = await memoryRegistry()
    try {
      await expect(foundIds(registry, wanted)).rejects.toMatchObject({
        code: 'SALDO_SCHEMA_INCOMPATIBLE',
        message: expect.stringContaining('saldo schemas register'),
      })
      expect(registry.schemas).toEqual([])
      const engine = await registeredIds(registry)
      const { outward } = await foundIds(registry, wanted)
      expect(engine.outward).toEqual(expect.arrayContaining([...outward]))
      expect(outward.map(([ownId]) => ownId)).toContain(commandCodec.schemaId)
    } finally {
      await registry.close()
    }
  })
})

describe('the checked-in schemas', () => {
  test('read everything that was released, topic by topic', async () => {
    const reports = await checkSchemas(undefined, '')
    expect(reports.map(({ subject: name }) => name)).toEqual(subjectsOf('').map(({ name }) => name))
    expect(reports.flatMap(({ problems }) => problems)).toEqual([])
  })

  test('that would not read an old record are told', () => {
    const old = { id: 1, name: NAME, schema: 'string' }
    expect(fileProblems({ versions: [old, second] })).toEqual([
      `the newest ${NAME} does not read the released one with id 1`,
    ])
    expect(fileProblems({ versions: [first] })).toEqual([
      `the checked-in ${NAME} is not released: run npm run generate`,
    ])
  })

  test('have ids that no registry counts up to', () => {
    expect(commandCodec.schemaId).toBeGreaterThanOrEqual(0x7f_00_00_00)
  })
})
