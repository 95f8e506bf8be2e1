/**
 * What the contract says against what the API does: schemathesis reads the document that the API serves, and sends what
 * the document allows and what it forbids.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startApi } from '../../../api/query/server.ts'
import { developmentToken } from '../../../api/token.ts'
import type { LedgerCommandBody } from '../../../schemas/types.ts'
import { startEngine } from '../../support/engine.ts'
import {
  created,
  groceries,
  opened,
  preferences,
  recorded,
} from '../../support/example-commands.ts'
import { commandOf } from '../../support/specification.ts'
import type { Schemathesis } from '../../support/schemathesis.ts'

export type FuzzOptions = {
  /** Of a migrated database without anything in it. */
  readonly databaseUrl: string
  readonly tool: Schemathesis
  /** Requests made up for each route, beside those that every limit of the document asks for. */
  readonly examples: number
  readonly seed: number
}

const SECRET = 'a secret of the fuzzing, long enough for HS256'
const USER_HEADER = '#/components/parameters/User'
/** Refused for want of a scope would be all that a route ever answers: then nothing was tested. */
const CONFIGURATION = '[warnings]\nfail-on = ["missing_auth"]\n'
/** It answers as long as somebody listens. */
const ENDLESS = '/v1/stream'

/** `code` is 0 when every answer kept to the contract; `output` tells which did not, with the request to repeat. */
export async function fuzzApi({ databaseUrl, tool, examples, seed }: FuzzOptions) {
  const engine = await startEngine({ url: databaseUrl, partitions: 2 })
  const api = await startApi({ databaseUrl, jwtSecret: SECRET, port: 0 })
  const folder = await mkdtemp(join(tmpdir(), 'saldo-fuzz-'))
  try {
    const commands = bodies.map((body, n) => commandOf({ body }, n))
    await engine.send(commands)
    await engine.settled()
    const document = join(folder, 'openapi.json')
    const served = await (await fetch(`${api.url}/openapi.json`)).text()
    const aggregate = { type: 'account', id: 'a-1' }
    const commandId = commands[0]?.commandId
    const existing = { accountId: 'a-1', transactionId: 't-1', commandId, ...aggregate }
    await writeFile(document, JSON.stringify(withExamples(JSON.parse(served), existing)))
    const userId = commands[0]?.userId ?? ''
    await writeFile(join(folder, 'schemathesis.toml'), CONFIGURATION)
    const token = await developmentToken({ userId, secret: SECRET, expiresIn: 3_600 })
    const args = Object.entries({
      '--url': api.url,
      '--header': `Authorization: Bearer ${token}`,
      '--exclude-path': ENDLESS,
      '--phases': 'examples,coverage,fuzzing',
      '--checks': CHECKS.join(','),
      '--max-examples': String(examples),
      '--seed': String(seed),
      '--generation-database': 'none',
      '--request-timeout': '30',
    }).flat()
    return await tool.run(['run', document, '--no-color', ...args], folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
    await api.close()
    await engine.stop()
  }
}

const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'negative_data_rejection',
  'ignored_auth',
]

const bodies: readonly LedgerCommandBody[] = [
  opened,
  recorded({}),
  groceries,
  created('c-1', 'Pets'),
  preferences({ locale: 'en' }),
]

/**
 * The document, with the id of something that is there for each parameter of that name, and without the header of
 * operators, whom others are refused for.
 */
function withExamples(node: unknown, examples: Readonly<Record<string, unknown>>): unknown {
  if (Array.isArray(node)) {
    return node.filter((item) => !isUserHeader(item)).map((item) => withExamples(item, examples))
  }
  if (typeof node !== 'object' || node === null) return node
  const copy = Object.fromEntries(
    Object.entries(node).map(([key, value]) => [key, withExamples(value, examples)]),
  )
  const { in: place, name } = copy
  if (place !== 'path' || typeof name !== 'string' || examples[name] === undefined) return copy
  return { ...copy, example: examples[name] }
}

function isUserHeader(item: unknown): boolean {
  return typeof item === 'object' && item !== null && '$ref' in item && item.$ref === USER_HEADER
}
