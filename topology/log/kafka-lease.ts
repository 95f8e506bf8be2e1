import { SaldoError } from '../../schemas/errors.ts'
import type { WireCluster } from './kafka-cluster.ts'
import { asLogError } from './kafka-errors.ts'
import { fencedWriter } from './kafka-transaction.ts'
import type { KafkaNames } from './kafka-names.ts'
import type { GroupPlace, Lease, NewRecord } from './log.ts'

export type KafkaLease = Lease & {
  /** Rejects with SALDO_LEASE_FENCED when a newer owner exists. Writes no record and moves no offset. */
  confirm(): Promise<void>
}

/**
 * Takes a group's partition over, on connections of its own. One transactional id per partition and group, whoever
 * owns it: that is what the broker fences by.
 */
export async function acquireLease(
  cluster: WireCluster,
  names: KafkaNames,
  place: GroupPlace,
  check: (records: readonly NewRecord[]) => void,
): Promise<KafkaLease> {
  const over = new AbortController()
  try {
    await cluster.connect()
    await cluster.addMultipleTargetTopics(names.topics)
    const writer = await fencedWriter(cluster, names, place)
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
      } catch (error) {
        // Whatever went wrong, where this transactional id stands is known again after the next fence.
        over.abort()
        throw error
      }
    }
    return {
      place,
      epoch: writer.epoch,
      committed,
      lost: over.signal,
      async commit(records, nextOffset) {
        check(records)
        await inTurn(() => commit(records, nextOffset))
      },
      confirm: () => inTurn(() => commit([], committed)),
      async release() {
        over.abort()
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
