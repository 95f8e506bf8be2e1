/**
 * Transactions of one transactional id, request by request.
 *
 * Invariant: the request that commits is sent once and never again, so what its failure means is known: an answer that
 * names a newer owner is a refusal, anything else is a doubt. Before it, every failure means that nothing happened.
 * kafkajs's own transactions repeat requests where that cannot be told apart, and lose acknowledged records when a
 * leader changes.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { SaldoError } from '../../schemas/errors.ts'
import { byLeader, type WireCluster, type WirePool } from './kafka-cluster.ts'
import { asLogError, BrokerRefusal, isFenced } from './kafka-errors.ts'
import { fetchFrom } from './kafka-fetch.ts'
import type { KafkaNames } from './kafka-names.ts'
import { MOVED_PAUSE_MS } from './kafka-patience.ts'
import { Sequences } from './kafka-sequences.ts'
import {
  COMMIT_TIMEOUT_MS,
  prepare,
  prepareV2,
  type Identity,
  type Session,
  type Written,
} from './kafka-transaction-parts.ts'
import { commitTransaction, speaksTransactionsV2 } from './kafka-transaction-v2.ts'
import { takeOver } from './kafka-take-over.ts'
import type { GroupPlace, NewRecord } from './log.ts'

const VISIBLE_WAIT_MS = 1_000

/** A fenced transactional id: whoever had it before can commit nothing any more. */
export type Writer = {
  readonly epoch: bigint
  readonly committed: bigint | undefined
  commit(records: readonly NewRecord[], nextOffset: bigint | undefined): Promise<void>
}

/** Takes the transactional id over: answers when the transaction of the owner before is complete, one way or the other. */
export async function fencedWriter(
  cluster: WireCluster,
  names: KafkaNames,
  place: GroupPlace,
  isV2Allowed = true,
): Promise<Writer> {
  const { identity, committed, brokers } = await takeOver(cluster, names, place)
  const { connectionPool } = brokers.transactions
  return {
    // Grows with every take-over as long as the broker remembers the transactional id: seven days without a commit.
    epoch: (BigInt(identity.producerId) << 16n) | BigInt(identity.producerEpoch),
    committed,
    commit: committer({
      cluster,
      names,
      place,
      identity,
      brokers,
      isV2: isV2Allowed && (await speaksTransactionsV2(connectionPool)),
    }),
  }
}

function committer(initial: Session): Writer['commit'] {
  let session = initial
  let sequences = new Sequences()
  return async (records, nextOffset) => {
    const prepared = session.isV2
      ? prepareV2(session, sequences, records, nextOffset)
      : prepare(session, sequences, records, nextOffset)
    const written = await inTime(prepared).catch((cause: unknown) => {
      throw asLogError(cause, 'a commit was not made')
    })
    try {
      const identity = await inTime(end(session, written))
      // Another epoch begins to count anew.
      if (identity.producerEpoch !== session.identity.producerEpoch) sequences = new Sequences()
      session = { ...session, identity }
    } catch (cause) {
      if (isFenced(cause)) throw asLogError(cause, 'a commit was refused')
      throw new SaldoError('SALDO_COMMIT_IN_DOUBT', 'the answer to a commit was lost', {
        retryable: true,
        cause,
      })
    }
  }
}

/** What goes on behind it after the time is up does no harm: the writer is dropped, and the request that commits is the last. */
async function inTime<Answer>(work: Promise<Answer>): Promise<Answer> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    const message = `no answer for ${COMMIT_TIMEOUT_MS} ms`
    late.reject(new SaldoError('SALDO_LOG_UNAVAILABLE', message, { retryable: true }))
  }, COMMIT_TIMEOUT_MS)
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** Answers who the writer is in its next transaction. */
async function end(
  { cluster, identity, brokers, isV2 }: Session,
  written: readonly Written[],
): Promise<Identity> {
  const { transactionalId } = identity
  const { transactions } = brokers
  let next = identity
  if (isV2) {
    const of = { ...identity, producerId: BigInt(identity.producerId) }
    const epoch = await commitTransaction(transactions.connectionPool, of)
    next = { transactionalId, ...epoch, producerId: String(epoch.producerId) }
  } else {
    await transactions.endTxn({ ...identity, transactionResult: true })
  }
  await visible(cluster, written)
  return next
}

/**
 * The broker answers a commit as soon as it can no longer fail; readers see it when its markers are written. Who was
 * told of a commit by another way than the log, as by a checkpoint in SQL, must find it there.
 */
async function visible(cluster: WireCluster, written: readonly Written[]): Promise<void> {
  const until = Date.now() + COMMIT_TIMEOUT_MS
  for (let left = written; left.length > 0;) {
    if (Date.now() > until) throw new Error(`a commit is not visible in ${left[0]?.topic}`)
    try {
      const seen = await Promise.all(
        [...(await byLeader(cluster, left))].map(([pool, own]) => visibleAt(pool, own)),
      )
      left = left.filter((one) => !seen.some((those) => those.includes(one)))
    } catch (cause) {
      // Nothing is in doubt where a leader moved or went away: the next one is asked.
      if (!(asLogError(cause, 'waiting for a commit') instanceof SaldoError)) throw cause
      await pause(MOVED_PAUSE_MS)
      await cluster.refreshMetadata().catch(() => undefined)
    }
  }
}

/** Those that are, after one request that waits until any of them is. */
async function visibleAt(pool: WirePool, written: readonly Written[]): Promise<readonly Written[]> {
  const from = written.map(({ topic, partition, last }) => {
    return { topic, partition, offset: last + 1n, bytesMax: 1 }
  })
  const fetched = await fetchFrom(pool, from, VISIBLE_WAIT_MS)
  return written.filter(({ topic, partition, last }) => {
    const one = fetched.find((other) => other.topic === topic && other.partition === partition)
    if (one === undefined || one.errorCode !== 0) throw new BrokerRefusal(one?.errorCode ?? -1)
    return one.stable > last
  })
}

/** The broker that was asked will do it soon. */
