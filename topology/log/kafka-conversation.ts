/** A few questions on a connection of their own, for finding out who is there. */
import type { Socket } from 'node:net'
import { KafkaReader, KafkaWriter } from './kafka-bytes.ts'

const ANSWER_BYTES_MAX = 1_000_000
const CLIENT_ID = 'saldo'

/** Sends a request and resolves with the body of its answer. */
export type Ask = (apiKey: number, version: number, body: Buffer) => Promise<KafkaReader>

/** What came instead of an answer, without an error of the connection. */
export class Unanswered extends Error {
  readonly how: 'closed' | 'silent' | 'nonsense'
  readonly heard: Buffer

  constructor(how: 'closed' | 'silent' | 'nonsense', heard: Buffer) {
    super(`the connection was ${how}`)
    this.how = how
    this.heard = heard
  }
}

/** Talks and hangs up. Rejects with the socket's error, or with `Unanswered`. */
export async function converse<Result>(
  open: (connected: () => void) => Socket,
  talk: (ask: Ask) => Promise<Result>,
  timeoutMs: number,
): Promise<Result> {
  const connected = Promise.withResolvers<void>()
  const failed = Promise.withResolvers<never>()
  const socket = open(() => connected.resolve())
  let heard: Buffer = Buffer.alloc(0)
  let arrived = Promise.withResolvers<void>()
  socket.on('data', (bytes: Buffer) => {
    heard = Buffer.concat([heard, bytes])
    arrived.resolve()
  })
  socket.on('error', (error) => failed.reject(error))
  socket.on('close', () => failed.reject(new Unanswered('closed', heard)))
  const timer = setTimeout(() => failed.reject(new Unanswered('silent', heard)), timeoutMs)
  let asked = 0
  const ask: Ask = async (apiKey, version, body) => {
    socket.write(requestOf(apiKey, version, ++asked, body))
    for (;;) {
      const answer = answerIn(heard, asked)
      if (answer !== undefined) {
        heard = heard.subarray(answer.next)
        return answer.body
      }
      arrived = Promise.withResolvers()
      await Promise.race([arrived.promise, failed.promise])
    }
  }
  try {
    await Promise.race([connected.promise, failed.promise])
    return await talk(ask)
  } finally {
    clearTimeout(timer)
    failed.promise.catch(() => undefined)
    socket.destroy()
  }
}

function requestOf(apiKey: number, version: number, correlation: number, body: Buffer): Buffer {
  const { bytes } = new KafkaWriter()
    .int16(apiKey)
    .int16(version)
    .int32(correlation)
    .string(CLIENT_ID)
    .raw(body)
  return new KafkaWriter().int32(bytes.length).raw(bytes).bytes
}

/** Undefined while more of it has to come. */
function answerIn(
  heard: Buffer,
  correlation: number,
): { readonly body: KafkaReader; readonly next: number } | undefined {
  if (heard.length < 8) return undefined
  const length = heard.readInt32BE(0)
  if (length < 4 || length > ANSWER_BYTES_MAX || heard.readInt32BE(4) !== correlation) {
    throw new Unanswered('nonsense', heard)
  }
  const next = 4 + length
  return heard.length < next ? undefined : { body: new KafkaReader(heard.subarray(8, next)), next }
}
