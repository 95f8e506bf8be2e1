import { once } from 'node:events'
import { createServer as createWebServer } from 'node:http'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createSecureServer } from 'node:tls'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { problemAt } from '../../topology/log/kafka-greeting.ts'
import { checkFiles, type KafkaSecurity } from '../../topology/log/kafka-security.ts'
import { authority, type Certified } from '../support/certificates.ts'
import { freePorts } from '../support/free-ports.ts'
import { SecretFiles } from '../support/secured-kafka.ts'

const files = new SecretFiles()
afterAll(() => files.remove())
const ca = authority('Known')
const own = ca.certify('broker', ['127.0.0.1'])
const tls = { caFile: files.put('ca.crt', ca.certificate) }

const servers: Server[] = []
const sockets = new Set<Socket>()
afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  for (const server of servers.splice(0)) await once(server.close(), 'close')
})

async function listening(server: Server): Promise<string> {
  servers.push(server)
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** As a broker answers that has nothing to object to: the correlation id, and no error. */
function broker(socket: Socket): void {
  socket.on('error', () => undefined)
  socket.on('data', (request: Buffer) => {
    const answer = Buffer.alloc(14)
    answer.writeInt32BE(10)
    request.copy(answer, 4, 8, 12)
    socket.write(answer)
  })
}

const secured = ({ certificate: cert, key }: Certified): Server =>
  createSecureServer({ cert, key }, broker).on('tlsClientError', () => undefined)

async function sentenceAt(at: string, security: KafkaSecurity = {}): Promise<string | undefined> {
  return (await problemAt(at, security))?.sentence
}

describe('what is at an address:', () => {
  test('a broker', async () => {
    expect(await problemAt(await listening(createServer(broker)), {})).toBeUndefined()
    expect(await problemAt(await listening(secured(own)), { tls })).toBeUndefined()
  })

  test('nothing, which may be there at another time', async () => {
    const [port = 0] = await freePorts(1)
    expect(await problemAt(`127.0.0.1:${port}`, {})).toEqual({
      sentence: `127.0.0.1:${port}: nothing listens there: start the broker or correct KAFKA_BROKERS`,
      retryable: true,
    })
  })

  test('a host name that nobody knows', async () => {
    expect(await sentenceAt('kafka.invalid:9092')).toBe(
      'kafka.invalid:9092: the host name "kafka.invalid" does not resolve: correct KAFKA_BROKERS',
    )
  })

  test('a web server', async () => {
    const at = await listening(createWebServer())
    const problem = {
      sentence: `${at}: a web server answers there, and no Kafka broker: correct KAFKA_BROKERS`,
      retryable: false,
    }
    expect(await problemAt(at, {})).toEqual(problem)
  })

  test('something that speaks another language', async () => {
    const at = await listening(createServer((socket) => socket.write('SSH-2.0-server\r\n')))
    expect(await sentenceAt(at)).toBe(
      `${at}: what answers there is no Kafka broker: correct KAFKA_BROKERS`,
    )
  })

  test('something that hangs up', async () => {
    const at = await listening(createServer((socket) => socket.end()))
    expect(await sentenceAt(at)).toMatch(/: it closes the connection before it answers \(.*\)$/)
  })

  test('something that says nothing', async () => {
    const at = await listening(createServer())
    expect((await problemAt(at, {}, { timeoutMs: 20 }))?.sentence).toBe(
      `${at}: it takes connections and answers nothing: correct KAFKA_BROKERS`,
    )
  })

  test('TLS where plain text is spoken, and plain text where TLS is', async () => {
    const secure = await listening(secured(own))
    expect(await sentenceAt(secure)).toBe(
      `${secure}: that listener speaks TLS: set SALDO_KAFKA_TLS to on, or use the other port`,
    )
    const plain = await listening(createServer(broker))
    expect(await sentenceAt(plain, { tls })).toBe(
      `${plain}: that listener speaks no TLS: set SALDO_KAFKA_TLS to off, or use the other port`,
    )
  })

  test('a certificate of an authority that nobody trusts', async () => {
    const at = await listening(secured(authority('Another').certify('broker', ['127.0.0.1'])))
    const sentence = `${at}: its certificate is of an authority that is not trusted: put the right one into SALDO_KAFKA_CA_FILE`
    expect(await sentenceAt(at, { tls })).toBe(sentence)
    expect(await sentenceAt(at, { tls: {} })).toBe(sentence)
  })

  test('a certificate for another name, unless that is the name to expect', async () => {
    const at = await listening(secured(ca.certify('broker', ['kafka.example'])))
    expect(await sentenceAt(at, { tls })).toBe(
      `${at}: its certificate is for another name (DNS:kafka.example): use that name in KAFKA_BROKERS, or set SALDO_KAFKA_SERVER_NAME`,
    )
    expect(await sentenceAt(at, { tls: { ...tls, serverName: 'kafka.example' } })).toBeUndefined()
  })

  test('a certificate that has expired', async () => {
    const at = await listening(
      secured(ca.certify('broker', ['127.0.0.1'], new Date(Date.now() - 1_000))),
    )
    expect(await sentenceAt(at, { tls })).toBe(
      `${at}: its certificate, or one above it, has expired: renew it at the broker`,
    )
  })
})

describe('what is in a file:', () => {
  const pair = files.putPair('own', ca.certify('engine', []))
  const another = files.putPair('another', ca.certify('engine', []))
  const missing = files.path('missing')
  const empty = files.put('empty', '\n')
  const nonsense = files.put('nonsense', 'secret-nonsense')
  const login = (file: string): KafkaSecurity => ({
    sasl: { mechanism: 'plain', user: 'ada', password: { file } },
  })

  test.for<[KafkaSecurity, string]>([
    [login(missing), `SALDO_KAFKA_PASSWORD_FILE: "${missing}" cannot be read (ENOENT)`],
    [login(empty), `SALDO_KAFKA_PASSWORD_FILE: "${empty}" is empty`],
    [
      { sasl: { mechanism: 'oauthbearer', token: { file: empty } } },
      `SALDO_KAFKA_TOKEN_FILE: "${empty}" is empty`,
    ],
    [{ tls: { caFile: missing } }, `SALDO_KAFKA_CA_FILE: "${missing}" cannot be read (ENOENT)`],
    [
      { tls: { caFile: nonsense } },
      `SALDO_KAFKA_CA_FILE: "${nonsense}" holds no certificate in PEM`,
    ],
    [
      { tls: { ...pair, keyFile: nonsense } },
      `SALDO_KAFKA_KEY_FILE: "${nonsense}" holds no key in PEM that is not encrypted`,
    ],
    [
      { tls: { ...pair, keyFile: another.keyFile } },
      `SALDO_KAFKA_KEY_FILE: "${another.keyFile}" is not the key of the certificate in SALDO_KAFKA_CERTIFICATE_FILE`,
    ],
  ])('%o', ([security, message]) => {
    expect(() => checkFiles(security)).toThrow(
      expect.objectContaining({ code: 'SALDO_CONFIG_INVALID', message }),
    )
  })

  test('is all there', () => {
    expect(() => checkFiles({ tls: { ...tls, ...pair }, ...login(nonsense) })).not.toThrow()
  })
})
