/**
 * Asks addresses whether a Kafka broker is there that speaks as the settings say, before kafkajs does: it would try
 * again for minutes where no further try can help, and hides the reason.
 */
import type { Socket } from 'node:net'
import { connect as connectSecure } from 'node:tls'
import { SaldoError } from '../../schemas/errors.ts'
import { KafkaWriter } from './kafka-bytes.ts'
import { connectTo } from './kafka-connections.ts'
import { converse, Unanswered, type Ask } from './kafka-conversation.ts'
import { problems, socketProblem, type Problem } from './kafka-refusals.ts'
import type { KafkaSecurity } from './kafka-security.ts'

const ANSWER_TIMEOUT_MS = 5_000
const METADATA = { key: 3, version: 5 }
const SASL_HANDSHAKE = { key: 17, version: 1 }
const API_VERSIONS = { key: 18, version: 0 }
const UNSUPPORTED_SASL_MECHANISM = 33
const ILLEGAL_SASL_STATE = 34
const TLS_ALERT = 0x15
const TLS_MAJOR_VERSION = 3

/** One that answers is enough: brokers come and go. Rejects with what is wrong with each address. */
export async function greet(brokers: readonly string[], security: KafkaSecurity): Promise<void> {
  const found = await Promise.all(brokers.map((at) => problemAt(at, security)))
  const wrong = found.filter((problem) => problem !== undefined)
  if (wrong.length < found.length) return
  throw new SaldoError(
    'SALDO_LOG_UNAVAILABLE',
    `Kafka cannot be used at ${wrong.map(({ sentence }) => sentence).join('; at ')}`,
    { retryable: wrong.some(({ retryable }) => retryable) },
  )
}

/** What is wrong with `host:port`; undefined where a broker answers that speaks as it has to. */
export async function problemAt(
  at: string,
  security: KafkaSecurity,
  { timeoutMs = ANSWER_TIMEOUT_MS } = {},
): Promise<Problem | undefined> {
  const colon = at.lastIndexOf(':')
  const address = { host: at.slice(0, colon), port: Number(at.slice(colon + 1)) }
  const plain = (connected: () => void): Socket => connectTo(address, undefined, connected)
  // It only tells what kind of listener is there: nothing is said to it, so nobody need be trusted.
  const anybody = (connected: () => void): Socket =>
    connectSecure({ ...address, rejectUnauthorized: false }, connected)
  try {
    return await converse(
      (connected) => connectTo(address, security.tls, connected),
      (ask) => introduce(at, ask, security),
      timeoutMs,
    )
  } catch (error) {
    if (!(error instanceof Error) || error instanceof SaldoError) throw error
    const known = socketProblem(at, error, security) ?? answerProblem(at, error)
    if (known !== undefined) return known
    // Who speaks the one kind answers nonsense, or nothing, to the other.
    if (security.tls === undefined) {
      if (await isSpoken(anybody, () => Promise.resolve(), timeoutMs)) return problems.speaksTls(at)
    } else if (await isSpoken(plain, askVersions, timeoutMs)) return problems.speaksPlain(at)
    return error instanceof Unanswered && error.how === 'silent'
      ? problems.silent(at)
      : problems.closed(at, reasonOf(error))
  }
}

async function introduce(
  at: string,
  ask: Ask,
  { sasl }: KafkaSecurity,
): Promise<Problem | undefined> {
  await askVersions(ask)
  if (sasl === undefined) {
    try {
      // About no topic. Brokers that want a login hang up on whoever asks before it.
      const { key, version } = METADATA
      await ask(key, version, new KafkaWriter().int32(0).int8(0).bytes)
      return undefined
    } catch {
      return problems.wantsLogin(at)
    }
  }
  const mechanism = sasl.mechanism.toUpperCase()
  const { key, version } = SASL_HANDSHAKE
  const answer = await ask(key, version, new KafkaWriter().string(mechanism).bytes)
  const code = answer.int16()
  if (code === ILLEGAL_SASL_STATE) return problems.wantsNoLogin(at)
  if (code !== UNSUPPORTED_SASL_MECHANISM) return undefined
  const offered = Array.from({ length: answer.int32() }, () => answer.string())
  return problems.otherMechanism(at, mechanism, offered)
}

async function askVersions(ask: Ask): Promise<void> {
  await ask(API_VERSIONS.key, API_VERSIONS.version, Buffer.alloc(0))
}

async function isSpoken(
  open: (connected: () => void) => Socket,
  talk: (ask: Ask) => Promise<void>,
  timeoutMs: number,
): Promise<boolean> {
  return await converse(open, talk, timeoutMs).then(
    () => true,
    // Who ends the handshake with an alert has understood it.
    (error: unknown) => error instanceof Error && /_ALERT_/.test(reasonOf(error)),
  )
}

/** What came instead of an answer says by itself what it is. */
function answerProblem(at: string, error: Error): Problem | undefined {
  if (!(error instanceof Unanswered)) return undefined
  const { heard } = error
  if (heard.subarray(0, 5).toString() === 'HTTP/') return problems.web(at)
  if (heard[0] === TLS_ALERT && heard[1] === TLS_MAJOR_VERSION) return problems.speaksTls(at)
  return error.how === 'nonsense' ? problems.noKafka(at) : undefined
}

function reasonOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message
}
