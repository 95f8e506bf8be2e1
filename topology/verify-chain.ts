/** The promises of the events themselves: gapless sequences and versions, an unbroken hash chain, the right place. */
import { eventIdOf } from '../schemas/ids.ts'
import type { OpenedEvent } from '../schemas/opened-event.ts'
import { partitionOf } from '../schemas/partition.ts'
import { eventHash } from './sealer.ts'
import type { Fold, Keyed, Partition } from './verify-fold.ts'

type Link = {
  sequence: number
  hash: Buffer
  readonly versions: Map<string, number>
}

const NO_HASH = Buffer.alloc(0)

export class ChainFold implements Fold<OpenedEvent> {
  position = 0n
  events = 0
  readonly #partition: Partition
  readonly #links = new Map<string, Link>()

  constructor(partition: Partition) {
    this.#partition = partition
  }

  get userIds(): Iterable<string> {
    return this.#links.keys()
  }

  /** How many events the ledger has; 0 for one that does not exist. */
  lastSequence(userId: string): number {
    return this.#links.get(userId)?.sequence ?? 0
  }

  take(sources: readonly Keyed<OpenedEvent>[]): void {
    for (const source of sources) {
      this.events++
      if (!this.#partition.unjudged.has(source.key)) this.#takeOne(source)
    }
  }

  #takeOne({ item, key, value, offset }: Keyed<OpenedEvent>): void {
    const { log, partition, note } = this.#partition
    const { userId, sequence, version, aggregateType, aggregateId } = item
    const link = this.#links.get(key) ?? { sequence: 0, hash: NO_HASH, versions: new Map() }
    this.#links.set(key, link)
    const aggregate = `${aggregateType}/${aggregateId}`
    const expected = {
      sequence: link.sequence + 1,
      version: 1 + (link.versions.get(aggregate) ?? 0),
    }
    const wrong = [
      ...(userId === key && partitionOf(Buffer.from(key), log.partitions) === partition
        ? []
        : ['key']),
      ...(sequence === expected.sequence ? [] : ['sequence']),
      ...(version === expected.version ? [] : ['version']),
      ...(item.eventId === eventIdOf(userId, sequence) ? [] : ['eventId']),
      ...(item.previousHash.equals(link.hash) ? [] : ['previousHash']),
    ]
    if (wrong.length > 0) {
      note({
        what: 'ledger.events',
        problem: 'differs',
        userId: key,
        key: { offset: String(offset), sequence: String(sequence) },
        columns: wrong,
        expected: { sequence: String(expected.sequence), version: String(expected.version) },
        found: { sequence: String(sequence), version: String(version) },
      })
    }
    // What is there twice moves nothing; after any other damage the next event is held against this one, so that one
    // damage is not told of all that follows.
    if (sequence <= link.sequence) return
    link.sequence = sequence
    link.hash = eventHash(value)
    link.versions.set(aggregate, version)
  }
}
