import kafkajs from 'kafkajs'
import { SaldoError } from '../../schemas/errors.ts'

/** Numbers of Kafka's protocol that mean something to the log. */
export const kafkaErrors = {
  OFFSET_OUT_OF_RANGE: 1,
  UNKNOWN_TOPIC_OR_PARTITION: 3,
  NOT_LEADER_OR_FOLLOWER: 6,
  REQUEST_TIMED_OUT: 7,
  MESSAGE_TOO_LARGE: 10,
  COORDINATOR_LOADING: 14,
  COORDINATOR_NOT_AVAILABLE: 15,
  NOT_COORDINATOR: 16,
  RECORD_LIST_TOO_LARGE: 18,
  NOT_ENOUGH_REPLICAS: 19,
  OUT_OF_ORDER_SEQUENCE: 45,
  DUPLICATE_SEQUENCE_NUMBER: 46,
  INVALID_PRODUCER_EPOCH: 47,
  CONCURRENT_TRANSACTIONS: 51,
  PRODUCER_FENCED: 90,
} as const

const fenced: ReadonlySet<number> = new Set([
  kafkaErrors.INVALID_PRODUCER_EPOCH,
  kafkaErrors.PRODUCER_FENCED,
])
const tooLarge: ReadonlySet<number> = new Set([
  kafkaErrors.MESSAGE_TOO_LARGE,
  kafkaErrors.RECORD_LIST_TOO_LARGE,
])

/** A refusal in an answer of our own decoding. */
export class BrokerRefusal extends Error {
  override readonly name = 'BrokerRefusal'
  readonly code: number

  constructor(code: number) {
    const [name = `error ${code}`] =
      Object.entries(kafkaErrors).find(([, known]) => known === code) ?? []
    super(`the broker answered ${name}`)
    this.code = code
  }
}

/** The number that a broker answered with; undefined where it did not answer. */
export function brokerCode(error: unknown): number | undefined {
  for (let one = error; one instanceof Error; one = one.cause) {
    if ('code' in one && typeof one.code === 'number') return one.code
  }
  return undefined
}

export function isFenced(error: unknown): boolean {
  return fenced.has(brokerCode(error) ?? 0)
}

/** What kafkajs says, in the words of the log; a bug stays what it is. */
export function asLogError(cause: unknown, doing: string): unknown {
  if (!(cause instanceof kafkajs.KafkaJSError || cause instanceof BrokerRefusal)) return cause
  const message = `${doing}: ${cause.message}`
  if (isFenced(cause))
    return new SaldoError('SALDO_LEASE_FENCED', message, { retryable: true, cause })
  if (tooLarge.has(brokerCode(cause) ?? 0)) {
    return new SaldoError('SALDO_RECORD_TOO_LARGE', message, { retryable: false, cause })
  }
  return new SaldoError('SALDO_LOG_UNAVAILABLE', message, { retryable: true, cause })
}
