/** Registration and look-up on a real registry, and the verbs that do it by hand. */
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry'
import { expect, test } from 'vitest'
import { readConfig } from '../../config/config.ts'
import { runSchemasCheck, runSchemasRegister } from '../../cli/schemas.ts'
import { commandCodec } from '../../schemas/codec.ts'
import { registeredIds, subjectsOf } from '../../schemas/registered-ids.ts'
import { registryHttp } from '../../schemas/registry-http.ts'
import { releasedSchemas } from '../../schemas/released-schemas.ts'
import { idTranslation } from '../../schemas/schema-ids.ts'
import { wish } from '../support/actor-run.ts'
import { opened } from '../support/example-commands.ts'
import { describeRegistry } from '../support/registry.ts'

describeRegistry('the schemas', (registry) => {
  const commands = () => `${registry.prefix}ledger.commands-value`
  /** A prefix that no other test has. */
  const fresh = (name: string): string => `${registry.prefix}${name}.`
  const http = () => registryHttp({ url: registry.url })

  async function verb(
    run: typeof runSchemasCheck,
    prefix: string,
    json: boolean,
  ): Promise<{ readonly code: number; readonly lines: readonly string[] }> {
    const environment = { SCHEMA_REGISTRY_URL: registry.url, SALDO_KAFKA_PREFIX: prefix }
    const lines: string[] = []
    const out = { result: (line: string) => void lines.push(line), note: () => undefined }
    const code = await run(
      readConfig(environment),
      { json },
      { ...out, flushed: () => Promise.resolve() },
    )
    return { code, lines }
  }

  test('are registered once, with the level that Saldo counts on, and have the same ids ever after', async () => {
    const { prefix } = registry
    const ids = await registeredIds({ url: registry.url }, { prefix })
    const released = subjectsOf(prefix).flatMap(({ versions }) => versions.map(({ id }) => id))
    expect(ids.outward.map(([ownId]) => ownId)).toEqual(released)
    expect(await registeredIds({ url: `${registry.url}/` }, { prefix })).toEqual(ids)
    const answer = await http().send('GET', `/config/${commands()}`)
    expect(answer.body).toEqual({ compatibilityLevel: 'BACKWARD_TRANSITIVE' })
  })

  test('let another program read what the engine writes, with the client of the registry alone', async () => {
    const ids = await registeredIds({ url: registry.url }, { prefix: registry.prefix })
    const command = wish(opened)
    const record = idTranslation(ids).outward(commandCodec.encode(command))
    const decoded: unknown = await new SchemaRegistry({ host: registry.url }).decode(record)
    expect(decoded).toMatchObject({ userId: command.userId, commandId: command.commandId })
  })

  test('take in what Java registers by itself, whose strings have a mark', async () => {
    const { prefix } = registry
    await registeredIds({ url: registry.url }, { prefix })
    const newest = releasedSchemas('saldo.ledger.v1.LedgerCommand').at(-1)
    const schema = JSON.stringify(newest?.schema).replaceAll(
      '"string"',
      '{"type":"string","avro.java.string":"String"}',
    )
    const path = `/subjects/${prefix}ledger.commands-value/versions`
    const { body } = await http().send('POST', path, { schema })
    const { id } = body as { readonly id: number }
    const { inward } = await registeredIds({ url: registry.url }, { prefix })
    expect(new Map(inward).get(id)).toBe(newest?.id)
  })

  test('are refused, and nothing is registered, where something else stands', async () => {
    const prefix = fresh('other')
    const path = `/subjects/${prefix}ledger.events-value/versions`
    await http().send('POST', path, { schema: '"string"' })
    await expect(registeredIds({ url: registry.url }, { prefix })).rejects.toMatchObject({
      code: 'SALDO_SCHEMA_INCOMPATIBLE',
      message: expect.stringContaining('version 1 is another schema'),
    })
    const { body } = await http().send('GET', '/subjects')
    expect((body as string[]).filter((name) => name.startsWith(prefix))).toHaveLength(1)
    const { code, lines } = await verb(runSchemasCheck, prefix, false)
    expect(code).toBe(1)
    expect(lines.join('\n')).toContain(`${prefix}ledger.events-value: version 1 is another schema`)
  })

  test('are checked without a change, then registered, and the level is set right', async () => {
    const prefix = fresh('verbs')
    const before = await verb(runSchemasCheck, prefix, true)
    expect(before.code).toBe(0)
    const report = JSON.parse(before.lines.join('')) as {
      readonly subjects: readonly { readonly unregistered: readonly number[] }[]
    }
    expect(report.subjects.every(({ unregistered }) => unregistered.length > 0)).toBe(true)
    const events = `${prefix}ledger.events-value`
    await http().send('POST', `/subjects/${events}/versions`, {
      schema: JSON.stringify(releasedSchemas('saldo.ledger.v1.LedgerEvent')[0]?.schema),
    })
    await http().send('PUT', `/config/${events}`, { compatibility: 'NONE' })
    expect((await verb(runSchemasCheck, prefix, false)).code).toBe(1)
    await expect(registeredIds({ url: registry.url }, { prefix })).rejects.toThrow(/NONE/)

    expect((await verb(runSchemasRegister, prefix, true)).code).toBe(0)
    const after = await verb(runSchemasCheck, prefix, true)
    expect(after.code).toBe(0)
    expect(JSON.parse(after.lines.join(''))).toMatchObject({ registry: true, problems: 0 })
    expect(after.lines.join('')).not.toMatch(/"unregistered":\[\d/)
  })
})
