import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { AuthenticationProviderArgs } from 'kafkajs'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import type { TokenSource } from '../../topology/log/kafka-security.ts'
import { bearerProvider } from '../../topology/log/kafka-tokens.ts'
import { SecretFiles, unsignedToken } from '../support/secured-kafka.ts'

const files = new SecretFiles()
afterAll(() => files.remove())
const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await once(server.close(), 'close')
  }
})

type Answer = (request: IncomingMessage, response: ServerResponse) => unknown

async function endpoint(answer: Answer): Promise<string> {
  const server = createServer((request, response) => void answer(request, response))
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`
}

function clientAt(url: string): TokenSource {
  return { url, clientId: 'saldo:1', clientSecret: { value: 'secret-of-client' }, scope: 'kafka' }
}

/** Logs in again and again, to a broker that takes everything; answers the token each time. */
function logins(source: TokenSource): () => Promise<string> {
  const provider = bearerProvider(source)
  return async () => {
    let said = ''
    const saslAuthenticate = async <Parsed>({
      request,
    }: Parameters<AuthenticationProviderArgs['saslAuthenticate']>[0]): Promise<Parsed | void> => {
      said = (await request.encode()).subarray(4).toString()
    }
    await provider({ saslAuthenticate } as AuthenticationProviderArgs).authenticate()
    const [header, token = '', ...rest] = said.split('\u0001')
    expect([header, ...rest]).toEqual(['n,,', '', ''])
    return token.replace(/^auth=Bearer /, '')
  }
}

describe('a token from an endpoint', () => {
  test('is asked for with the id and the secret of the client, once for its life', async () => {
    const asked: string[] = []
    const url = await endpoint(async (request, response) => {
      const { authorization = '' } = request.headers
      const credentials = Buffer.from(authorization.replace('Basic ', ''), 'base64').toString()
      asked.push(`${request.method} ${credentials} ${await text(request)}`)
      response.end(JSON.stringify({ access_token: `token-${asked.length}`, expires_in: 3600 }))
    })
    const login = logins(clientAt(url))
    expect(await Promise.all([login(), login()])).toEqual(['token-1', 'token-1'])
    expect(await login()).toBe('token-1')
    expect(asked).toEqual([
      'POST saldo%3A1:secret-of-client grant_type=client_credentials&scope=kafka',
    ])
  })

  test('is asked for again when its life is over, or after a failure', async () => {
    let asked = 0
    const url = await endpoint((_request, response) => {
      asked++
      if (asked === 2) response.statusCode = 503
      response.end(JSON.stringify({ access_token: `token-${asked}`, expires_in: 0 }))
    })
    const login = logins(clientAt(url))
    expect(await login()).toBe('token-1')
    await expect(login()).rejects.toThrow('gives no token (HTTP 503)')
    expect(await login()).toBe('token-3')
  })

  test.for<[string, Answer, RegExp]>([
    [
      'that knows no such client',
      (_request, response) => response.writeHead(401).end(),
      /^SALDO_KAFKA_TOKEN_URL \(127.*\) gives no token \(HTTP 401\): look at SALDO_KAFKA_USER and SALDO_KAFKA_PASSWORD/,
    ],
    [
      'that says something else',
      (_request, response) => response.end('<html>'),
      /answers with something that is no token$/,
    ],
    [
      'that sends elsewhere, where the secret does not go',
      (_request, response) => response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end(),
      /cannot be reached for a token$/,
    ],
    ['that hangs up', (request) => request.destroy(), /cannot be reached for a token$/],
  ])('%s', async ([, answer, sentence]) => {
    const login = logins(clientAt(await endpoint(answer)))()
    await expect(login).rejects.toThrow(sentence)
    await expect(login).rejects.toMatchObject({ code: 'SALDO_LOG_UNAVAILABLE', retryable: true })
    await expect(login).rejects.not.toThrow(/secret-/)
  })
})

describe('a token from a file', () => {
  test('is the one that is there now', async () => {
    const login = logins({ file: files.put('token', 'first\n') })
    expect(await login()).toBe('first')
    const second = unsignedToken('ada')
    files.put('token', second)
    expect(await login()).toBe(second)
    files.put('token', unsignedToken('ada', -60))
    await expect(login()).rejects.toThrow(/\(SALDO_KAFKA_TOKEN_FILE\) expired at/)
    files.put('token', '')
    await expect(login()).rejects.toMatchObject({ code: 'SALDO_CONFIG_INVALID', retryable: true })
  })
})
