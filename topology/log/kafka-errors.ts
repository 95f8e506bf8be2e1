import kafkajs from 'kafkajs'
import { SaldoError } from '../../schemas/errors.ts'
import { socketProblem } from './kafka-refusals.ts'
import { kafkaSettings } from './kafka-security.ts'

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
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 20,
  TOPIC_AUTHORIZATION_FAILED: 29,
  GROUP_AUTHORIZATION_FAILED: 30,
  CLUSTER_AUTHORIZATION_FAILED: 31,
  TOPIC_ALREADY_EXISTS: 36,
  OUT_OF_ORDER_SEQUENCE: 45,
  DUPLICATE_SEQUENCE_NUMBER: 46,
  INVALID_PRODUCER_EPOCH: 47,
  CONCURRENT_TRANSACTIONS: 51,
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 53,
  OPERATION_NOT_ATTEMPTED: 55,
  SASL_AUTHENTICATION_FAILED: 58,
  UNSTABLE_OFFSET_COMMIT: 88,
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

const tooFewReplicas: ReadonlySet<number> = new Set([
  kafkaErrors.NOT_ENOUGH_REPLICAS,
  kafkaErrors.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
])

/** A refusal in an answer of our own decoding. */
export class BrokerRefusal extends Error {
  override readonly name = 'BrokerRefusal'
  readonly code: number

  constructor(code: number, at?: { readonly topic: string; readonly partition: number }) {
    const [name = `error ${code}`] =
      Object.entries(kafkaErrors).find(([, known]) => known === code) ?? []
    const where = at === undefined ? '' : ` for ${at.topic}/${at.partition}`
    super(`the broker answered ${name}${where}`)
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

/** Which kind of thing the user lacks the permission for; undefined where it is something else. */
export function refusedKind(code: number | undefined): string | undefined {
  switch (code) {
    case kafkaErrors.TOPIC_AUTHORIZATION_FAILED:
      return 'topic'
    case kafkaErrors.GROUP_AUTHORIZATION_FAILED:
      return 'group'
    case kafkaErrors.CLUSTER_AUTHORIZATION_FAILED:
      return 'cluster'
    case kafkaErrors.TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
      return 'transactional id'
    default:
      return undefined
  }
}

export function notAllowed(what: string, cause?: unknown): SaldoError {
  return new SaldoError(
    'SALDO_LOG_UNAVAILABLE',
    `Kafka does not allow this user to ${what}: docs/kafka-security.md lists the ACLs that it needs`,
    { retryable: false, cause },
  )
}

/** What kafkajs says, in the words of the log; a bug stays what it is. */
export function asLogError(cause: unknown, doing: string): unknown {
  const ours = within(cause, (error) => error instanceof SaldoError)
  if (ours !== undefined) return ours
  // Of a request for many things; each says the same.
  if (cause instanceof kafkajs.KafkaJSAggregateError) return asLogError(cause.errors[0], doing)
  if (!(cause instanceof kafkajs.KafkaJSError || cause instanceof BrokerRefusal)) return cause
  const message = `${doing}: ${cause.message}`
  const code = brokerCode(cause)
  if (isFenced(cause))
    return new SaldoError('SALDO_LEASE_FENCED', message, { retryable: true, cause })
  if (tooLarge.has(code ?? 0)) {
    return new SaldoError('SALDO_RECORD_TOO_LARGE', message, { retryable: false, cause })
  }
  const kind = refusedKind(code)
  if (kind !== undefined) {
    const { message: told } = notAllowed(`use the ${kind}`)
    return new SaldoError('SALDO_LOG_UNAVAILABLE', `${doing}: ${told}`, { retryable: false, cause })
  }
  // A secret or a certificate that was renewed is read again at the next try.
  const told = loginSentence(cause) ?? connectionSentence(cause) ?? replicasSentence(cause)
  const sentence = told === undefined ? message : `${doing}: ${told}`
  return new SaldoError('SALDO_LOG_UNAVAILABLE', sentence, { retryable: true, cause })
}

function connectionSentence(cause: Error): string | undefined {
  const lost = within(cause, (error) => error instanceof kafkajs.KafkaJSConnectionError)
  return lost === undefined ? undefined : socketProblem(lost.broker, lost, { tls: {} })?.sentence
}

function replicasSentence(cause: Error): string | undefined {
  if (!tooFewReplicas.has(brokerCode(cause) ?? 0)) return undefined
  return `${cause.message}: fewer replicas are in sync than its min.insync.replicas asks for, bring brokers back`
}

function isLoginFailure(error: Error): error is Error {
  if (error instanceof kafkajs.KafkaJSSASLAuthenticationError) return true
  return 'code' in error && error.code === kafkaErrors.SASL_AUTHENTICATION_FAILED
}

function loginSentence(cause: Error): string | undefined {
  const refused = within(cause, isLoginFailure)
  if (refused === undefined) return undefined
  return `Kafka does not accept this login (${refused.message}): look at ${kafkaSettings.user} and ${kafkaSettings.password}`
}

/** The first of an error and its causes that is one. */
function within<Found extends Error>(
  error: unknown,
  is: (error: Error) => error is Found,
): Found | undefined {
  for (let one = error; one instanceof Error; one = one.cause) if (is(one)) return one
  return undefined
}
