/** What can go wrong on every route, as the contract tells it. */
import { errorCodes } from '../../schemas/errors.ts'
import { httpCodes } from '../problem.ts'

export const problemSchema = {
  type: 'object',
  description: 'Problem details (RFC 9457).',
  required: ['type', 'title', 'status', 'code', 'detail'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string', description: 'The status in words.' },
    status: { type: 'integer', minimum: 400, maximum: 599 },
    code: {
      type: 'string',
      enum: [...httpCodes, ...errorCodes],
      description: 'Stable: what a program looks at.',
    },
    detail: { type: 'string', description: 'A sentence for a person.' },
    path: { type: 'string', description: 'The parameter that the sentence is about.' },
  },
} as const

const seconds = { schema: { type: 'integer', minimum: 0 } }
const retryAfter = { 'Retry-After': { ...seconds, description: 'Seconds until it may work.' } }
const rateLimit = {
  'RateLimit-Limit': { ...seconds, description: 'Requests a minute.' },
  'RateLimit-Remaining': { ...seconds, description: 'Requests that are left.' },
  'RateLimit-Reset': { ...seconds, description: 'Seconds until the minute is over.' },
}

function response(description: string, headers?: object) {
  return {
    description,
    ...(headers === undefined ? {} : { headers }),
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  }
}

const components = {
  Invalid: response('A parameter is not what it has to be: `path` and `detail` say which and why.'),
  Unauthenticated: response('The token is missing, invalid or expired.', {
    'WWW-Authenticate': { schema: { type: 'string' } },
  }),
  Forbidden: response('The token lacks the scope that the request needs.'),
  NotFound: response('There is nothing with this id, or it belongs to somebody else.'),
  TooMany: response('Too many requests.', { ...retryAfter, ...rateLimit }),
  TooLarge: response('The head of the request is too large.'),
  Internal: response('An error of ours.'),
  Unavailable: response('The database, or the keys of tokens, cannot be reached.', retryAfter),
}

const reference = (name: keyof typeof components) => ({ $ref: `#/components/responses/${name}` })

/** By status, for a route with or without an id in its address. */
function responsesOf({ hasId }: { readonly hasId: boolean }) {
  return {
    400: reference('Invalid'),
    401: reference('Unauthenticated'),
    403: reference('Forbidden'),
    ...(hasId ? { 404: reference('NotFound') } : {}),
    429: reference('TooMany'),
    431: reference('TooLarge'),
    500: reference('Internal'),
    503: reference('Unavailable'),
  }
}

export const problemResponses = { components, of: responsesOf }
