import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Validator } from '@seriousme/openapi-schema-validator'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openApiOf } from '../../../api/query/openapi.ts'
import { queryServer, startApi, type RunningApi } from '../../../api/query/server.ts'
import { get, SECRET } from './client.ts'

type Node = { readonly [key: string]: unknown }
type Operation = {
  readonly operationId: string
  readonly summary?: string
  readonly tags?: readonly string[]
  readonly responses: Node
}
type Schema = { readonly properties: Node; readonly required: readonly string[] }
type Document = {
  readonly paths: { readonly [path: string]: { readonly [method: string]: Operation } }
  readonly components: { readonly schemas: { readonly [name: string]: Schema } }
}

const NOWHERE = 'postgresql://nobody@127.0.0.1:1/nothing'
const repository = join(import.meta.dirname, '..', '..', '..')

let document: Document
beforeAll(async () => {
  const app = await queryServer({ databaseUrl: NOWHERE, jwtSecret: SECRET })
  await app.ready()
  document = JSON.parse(JSON.stringify(openApiOf(app))) as Document
  await app.close()
})

const operations = (): readonly (readonly [string, Operation])[] =>
  Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => [`${method} ${path}`, operation] as const),
  )

describe('the contract', () => {
  test('that is checked in is the one of the routes (npm run generate:openapi)', () => {
    const file = readFileSync(join(repository, 'docs', 'openapi.json'), 'utf8')
    expect(JSON.parse(file)).toEqual(document)
  })

  test('is OpenAPI 3.1', async () => {
    const validator = new Validator()
    const { valid, errors } = await validator.validate(structuredClone(document))
    expect(errors).toBeUndefined()
    expect(valid).toBe(true)
    expect(validator.version).toBe('3.1')
  })

  test('refers to nothing that it does not hold', () => {
    const text = JSON.stringify(document)
    const references = [...text.matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = '']) => path)
    expect(references.length).toBeGreaterThan(0)
    for (const path of references) {
      const found = path
        .split('/')
        .reduce<unknown>((node, key) => (node as Node | undefined)?.[key], document)
      expect([path, found]).toEqual([path, expect.any(Object)])
    }
  })

  test('has no format that only this server knows', () => {
    const text = JSON.stringify(document)
    const found = new Set([...text.matchAll(/"format":"([^"]+)"/g)].map(([, name]) => name))
    const known = new Set(['date', 'date-time', 'uri', 'uuid', 'int32', 'int64', 'double'])
    expect([...found.difference(known)]).toEqual([])
  })

  test('is of reading only, below /v1', () => {
    for (const [place] of operations()) expect(place).toMatch(/^get \/v1\//)
  })

  test('gives every operation a name of its own', () => {
    const names = operations().map(([, { operationId }]) => operationId)
    expect(new Set(names).size).toBe(names.length)
  })

  test('says of every operation what it is for, and where it belongs', () => {
    for (const [place, { summary, tags }] of operations()) {
      expect([place, summary, tags]).toEqual([place, expect.any(String), [expect.any(String)]])
    }
  })

  test('says of every operation how it is refused', () => {
    for (const [place, { responses }] of operations()) {
      const refusals = ['400', '401', '403', '429', '431', '500', '503']
      expect([place, Object.keys(responses)]).toEqual([place, expect.arrayContaining(refusals)])
      if (place.includes('{')) expect(Object.keys(responses)).toContain('404')
    }
  })

  test.for([
    ['ConnectAccountRequest'],
    ['BankAuthResponse'],
    ['CreateTransactionRequest'],
    ['CreateBudgetRequest'],
    ['TransactionList'],
    ['SpendingAnalytics'],
    ['Problem'],
  ])('defines %s', ([name = '']) => {
    expect(Object.keys(document.components.schemas[name]?.properties ?? {})).not.toEqual([])
  })

  test.for([
    ['CreateTransactionRequest', 'transaction/record-transaction.v1.avsc'],
    ['CreateBudgetRequest', 'budget/set-budget.v1.avsc'],
  ] as const)('asks in %s for what its command takes', ([name, file]) => {
    const command = JSON.parse(readFileSync(join(repository, 'schemas', file), 'utf8')) as {
      readonly fields: readonly { readonly name: string; readonly default?: unknown }[]
    }
    const inJson = (field: string): string => (field === 'amountMinor' ? 'amount' : field)
    const fields = command.fields.map((field) => inJson(field.name))
    const { properties, required } = document.components.schemas[name] as Schema
    expect(fields).toEqual(expect.arrayContaining(Object.keys(properties)))
    // Without occurredAt a transaction happened when it was sent.
    const optional = command.fields.filter((field) => 'default' in field).map((field) => field.name)
    const needed = fields.filter((field) => !optional.includes(field) && field !== 'occurredAt')
    expect(required.toSorted()).toEqual(needed.toSorted())
  })
})

describe('the documentation page', () => {
  let api: RunningApi
  beforeAll(async () => {
    api = await startApi({ databaseUrl: NOWHERE, jwtSecret: SECRET, port: 0 })
  })
  afterAll(() => api.close())

  const addresses = (html: string): readonly string[] =>
    [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address = '']) => address)

  test.for([['/docs'], ['/docs/']])('at %s is served without a token', async ([path = '']) => {
    const { status, headers, text } = await get(`${api.url}${path}`)
    expect(status).toBe(200)
    expect(headers.get('content-type')).toContain('text/html')
    expect(text).toContain('<title>Saldo query API</title>')
    expect(text).not.toMatch(/<script>|<style>|style="|onload=/)
  })

  test('loads everything from this process', async () => {
    const { text } = await get(`${api.url}/docs`)
    expect(addresses(text).length).toBeGreaterThanOrEqual(5)
    for (const address of addresses(text)) {
      const target = new URL(address, `${api.url}/docs`)
      expect(target.origin).toBe(api.url)
      const asset = await get(target.href)
      expect([address, asset.status]).toEqual([address, 200])
      if (!address.endsWith('.css')) continue
      const loaded = [...asset.text.matchAll(/url\(["']?([^"')]{0,20})/g)].map(([, start]) => start)
      for (const start of loaded) expect(start).toMatch(/^data:/)
      expect(asset.text).not.toContain('@import')
    }
  })

  test('is told by its policy to load nothing from elsewhere', async () => {
    const { headers } = await get(`${api.url}/docs`)
    const policy = headers.get('content-security-policy') ?? ''
    const sources = policy.split('; ').flatMap((directive) => directive.split(' ').slice(1))
    expect(policy).toContain("default-src 'none'")
    expect(new Set(sources)).toEqual(new Set(["'none'", "'self'", 'data:']))
    expect(policy).toMatch(/script-src 'self';/)
  })

  test('shows the contract that is checked in, and no badge of a validator elsewhere', async () => {
    for (const path of ['/docs/json', '/openapi.json']) {
      expect((await get(`${api.url}${path}`)).body).toEqual(document)
    }
    const { text } = await get(`${api.url}/docs/static/swagger-initializer.js`)
    expect(text).toContain('validatorUrl: null')
    expect(text).not.toMatch(/https?:\/\/(?!stackoverflow)/)
  })
})
