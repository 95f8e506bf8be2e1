/**
 * The contract, as OpenAPI 3.1: made from the schemas that requests are checked and answers are written with, so it
 * cannot say anything else. A schema with a `title` becomes a component of that name.
 */
import { fastifySwagger } from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import { OPERATOR_SCOPE, USER_HEADER } from '../auth.ts'
import { problemResponses, problemSchema } from './openapi-problems.ts'
import { gatewaySchemas } from './gateway-schemas.ts'

type Node = { readonly [key: string]: unknown }

const PREFIX = '/v1/'

const description = `What a user owns, spends and plans, from the tables of Saldo. Nothing is written here.

Amounts are decimal text with a currency, times ISO 8601 in UTC. Every error is a problem (RFC 9457) with a stable \`code\`.`

/** Formats that only this server checks, in words that every tool knows. */
const formats: Readonly<Record<string, Node>> = {
  id: { pattern: '^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$' },
  'command-id': {
    pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
  },
  'calendar-date': { format: 'date' },
  'calendar-month': { pattern: '^[1-9]\\d{3}-(?:0[1-9]|1[0-2])$' },
}

/** Collects the routes of `app`; before they are registered. */
export async function describeRoutes(app: FastifyInstance): Promise<void> {
  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Saldo query API',
        version: '1',
        description,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      security: [{ bearerAuth: [] }],
      components: {
        securitySchemes: {
          bearerAuth: {
            type: 'http',
            scheme: 'bearer',
            bearerFormat: 'JWT',
            description: 'The subject is the user whose data is shown.',
          },
        },
      },
    },
    transform: ({ schema, url }) => ({
      schema: url.startsWith(PREFIX) ? schema : { hide: true },
      url,
    }),
  })
}

/** The whole document; the same text for the same routes. */
export function openApiOf(app: FastifyInstance): Node {
  // Plain JSON from here on: nothing is shared with the schemas that routes use.
  const document = JSON.parse(JSON.stringify(app.swagger())) as Node
  const named = new Map<string, Node>()
  const name = (node: unknown): unknown => published(node, named)
  const paths = Object.fromEntries(
    Object.entries(document['paths'] as Node).map(([path, item]) => [
      path,
      Object.fromEntries(
        Object.entries(item as Node).map(([method, operation]) => [
          method,
          completed(name(operation) as Node, path),
        ]),
      ),
    ]),
  )
  for (const [title, schema] of Object.entries({ Problem: problemSchema, ...gatewaySchemas })) {
    name({ title, ...schema })
  }
  const schemas = Object.fromEntries([...named].toSorted(([a], [b]) => (a < b ? -1 : 1)))
  const components = document['components'] as Node
  return {
    ...document,
    components: {
      ...components,
      schemas,
      responses: problemResponses.components,
      parameters: { User: userParameter },
    },
    paths,
  }
}

const userParameter = {
  name: USER_HEADER,
  in: 'header',
  required: false,
  description: `Whose data is shown, for a token with the scope ${OPERATOR_SCOPE}; refused with any other.`,
  schema: { type: 'string', ...formats['id'] },
}

/** An operation with what every route shares: the header of operators, and what can go wrong. */
function completed(operation: Node, path: string): Node {
  const own = (operation['parameters'] ?? []) as readonly Node[]
  const hasId = own.some((parameter) => parameter['in'] === 'path')
  return {
    operationId: operationIdOf(path),
    ...operation,
    parameters: [...own, { $ref: '#/components/parameters/User' }],
    responses: { ...(operation['responses'] as Node), ...problemResponses.of({ hasId }) },
  }
}

/** `/v1/accounts/{accountId}/balance` → `getAccountsAccountIdBalance`, for a route that gives itself none. */
function operationIdOf(path: string): string {
  const words = path.slice(PREFIX.length).match(/[A-Za-z]+/g) ?? []
  return `get${words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')}`
}

function published(node: unknown, named: Map<string, Node>): unknown {
  if (Array.isArray(node)) return node.map((item) => published(item, named))
  if (typeof node !== 'object' || node === null) return node
  const { title, ...rest } = node as Node
  const format = rest['format']
  const known = typeof format === 'string' ? formats[format] : undefined
  const inner: { [key: string]: unknown } = {}
  for (const [key, value] of Object.entries(rest)) {
    if (key !== 'format' || known === undefined) inner[key] = published(value, named)
  }
  Object.assign(inner, known)
  if (typeof title !== 'string') {
    if (title !== undefined) inner['title'] = published(title, named)
    return inner
  }
  const before = named.get(title)
  if (before !== undefined && JSON.stringify(before) !== JSON.stringify(inner)) {
    throw new Error(`two schemas are called ${title}`)
  }
  named.set(title, inner)
  return { $ref: `#/components/schemas/${title}` }
}
