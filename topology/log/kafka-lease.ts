import { setTimeout as pause } from 'node:timers/promises'
import { SaldoError } from '../../schemas/errors.ts'
import type { WireCluster } from './kafka-cluster.ts'
import type { CommitBudget } from './kafka-commit-budget.ts'
import { asLogError } from './kafka-errors.ts'
import { fencedWriter } from './kafka-transaction.ts'
import type { KafkaNames } from './kafka-names.ts'
import type { GroupPlace, Lease, NewRecord } from './log.ts'

export type KafkaLease = Lease & {
  /** Rejects with SALDO_LEASE_FENCED when a newer owner exists. Writes no record and moves no offset. */
  confirm(): Promise<void>
}

/**
 * A broker forgets the offset of a group, and a transactional id, that nobody used for seven days; with the offset it
 * would forget how far a partition without commands was read.
 */
const KEEP_ALIVE_MS = 12 * 60 * 60 * 1_000

/**
 * Takes a group's partition over, on connections of its own. One transactional id per partition and group, whoever
 * owns it: that is what the broker fences by.
 */
export async function acquireLease(
  cluster: WireCluster,
  names: KafkaNames,
  place: GroupPlace,
  options: {
    readonly check: (records: readonly NewRecord[]) => void
    readonly budget: CommitBudget
    readonly keepAliveMs?: number
    /** As with brokers before 4.0, whatever these can. */
    readonly isV2Allowed?: boolean
  },
): Promise<KafkaLease> {
  const { check, budget, keepAliveMs = KEEP_ALIVE_MS, isV2Allowed } = options
  const over = new AbortController()
  try {
    await cluster.connect()
    await cluster.addMultipleTargetTopics(names.topics)
    const writer = await fencedWriter(cluster, names, place, isV2Allowed)
    let { committed } = writer
    let before = Promise.resolve()
    /** A transactional id has one transaction at a time. */
    const inTurn = (work: () => Promise<void>): Promise<void> => {
      const done = before.then(work)
      before = done.catch(() => undefined)
      return done
    }
    const commit = async (
      records: readonly NewRecord[],
      nextOffset: bigint | undefined,
    ): Promise<void> => {
      if (over.signal.aborted) throw fencedError(place)
      try {
        await writer.commit(records, nextOffset)
        committed = nextOffset
        keepAlive.refresh()
      } catch (error) {
        // Whatever went wrong, where this transactional id stands is known again after the next fence.
        over.abort()
        throw error
      }
    }
    const confirm = (): Promise<void> => inTurn(() => commit([], committed))
    // It fails where a commit would, and then the lease is over.
    const stayAlive = (): void => void confirm().catch(() => undefined)
    const keepAlive = setTimeout(stayAlive, keepAliveMs).unref()
    return {
      place,
      epoch: writer.epoch,
      committed,
      lost: over.signal,
      async commit(records, nextOffset) {
        check(records)
        await inTurn(async () => {
          const waitMs = budget.spend(performance.now())
          if (waitMs > 0) await pause(waitMs)
          await commit(records, nextOffset)
        })
      },
      confirm,
      async release() {
        over.abort()
        clearTimeout(keepAlive)
        await cluster.disconnect()
      },
    }
  } catch (cause) {
    await cluster.disconnect().catch(() => undefined)
    throw asLogError(cause, `partition ${place.partition} was not taken over`)
  }
}

function fencedError({ partition }: GroupPlace): SaldoError {
  return new SaldoError(
    'SALDO_LEASE_FENCED',
    `partition ${partition} has a newer owner, or this one does not know how its last commit ended`,
    { retryable: true },
  )
}
