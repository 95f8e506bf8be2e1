/**
 * Appends without a transaction, idempotent: a batch has a number in its partition, and under the same number it is
 * stored once, however often it is sent.
 *
 * Invariant: what was sent is sent again under its own number until it is acknowledged, or the producer's identity is
 * dropped with all its numbers: nothing else is ever sent under a number that may be taken.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { SaldoError } from '../../schemas/errors.ts'
import { inRounds, type Chunk } from './kafka-chunks.ts'
import { byLeader, type WireCluster } from './kafka-cluster.ts'
import { encodeBatch } from './kafka-encode.ts'
import { asLogError, BrokerRefusal, kafkaErrors } from './kafka-errors.ts'
import type { KafkaNames } from './kafka-names.ts'
import { produceTo, type Produced, type ProducePart } from './kafka-produce.ts'
import { Sequences } from './kafka-sequences.ts'
import type { NewRecord, Producer, ProducerOptions } from './log.ts'

const REPLICAS_TIMEOUT_MS = 3_000
const TRIES_AT_ONCE = 5
const PAUSE_FIRST_MS = 10
const PAUSE_MAX_MS = 1_000

type Identity = {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly sequences: Sequences
}

export function kafkaProducer(
  cluster: WireCluster,
  names: KafkaNames,
  check: (records: readonly NewRecord[]) => void,
  { retryForMs = 0 }: ProducerOptions = {},
): Producer {
  let identity: Identity | undefined
  return {
    async append(records) {
      check(records)
      const patience = new Patience(cluster, performance.now() + retryForMs)
      try {
        for (const chunks of inRounds(records)) {
          identity ??= await patience.insist(() => newIdentity(cluster))
          await store(cluster, partsOf(identity, names, chunks), patience)
        }
      } catch (error) {
        identity = undefined
        throw error
      }
    },
    close: () => Promise.resolve(),
  }
}

async function newIdentity(cluster: WireCluster): Promise<Identity> {
  const broker = await cluster.findControllerBroker()
  const { producerId, producerEpoch } = await broker.initProducerId({ transactionTimeout: 1 })
  return { producerId: BigInt(producerId), producerEpoch, sequences: new Sequences() }
}

function partsOf(
  { producerId, producerEpoch, sequences }: Identity,
  names: KafkaNames,
  chunks: readonly Chunk[],
): readonly ProducePart[] {
  const time = Date.now()
  return chunks.map(({ topic, partition, records }) => {
    const name = names.topic(topic)
    const sequence = sequences.take(`${name}/${partition}`, records.length)
    const writer = { producerId, producerEpoch, sequence, isTransactional: false, time }
    return { topic: name, partition, batch: encodeBatch(records, writer) }
  })
}

/** Sends each part to its leader until all are acknowledged, whatever moves in between. */
async function store(
  cluster: WireCluster,
  parts: readonly ProducePart[],
  patience: Patience,
): Promise<void> {
  let left = parts
  await patience.insist(async () => {
    const failures: unknown[] = []
    const stored = new Set<string>()
    await Promise.all(
      [...(await byLeader(cluster, left))].map(async ([pool, own]) => {
        try {
          const options = { transactionalId: undefined, timeoutMs: REPLICAS_TIMEOUT_MS }
          for (const one of await produceTo(pool, own, options)) {
            if (isStored(one)) stored.add(`${one.topic}/${one.partition}`)
            else failures.push(new BrokerRefusal(one.errorCode, one))
          }
        } catch (error) {
          failures.push(error)
        }
      }),
    )
    left = left.filter(({ topic, partition }) => !stored.has(`${topic}/${partition}`))
    if (left.length > 0) throw failures[0]
  })
}

/** Under a number that is taken it was stored before; the answer to that was lost. */
function isStored({ errorCode }: Produced): boolean {
  return errorCode === 0 || errorCode === kafkaErrors.DUPLICATE_SEQUENCE_NUMBER
}

/** How often something is tried again: a few times at once, and then until the end of the time that was given. */
class Patience {
  readonly #cluster: WireCluster
  readonly #until: number
  #tries = 0

  constructor(cluster: WireCluster, until: number) {
    this.#cluster = cluster
    this.#until = until
  }

  async insist<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    for (;;) {
      try {
        return await ask()
      } catch (cause) {
        const error = asLogError(cause, 'an append failed')
        if (!(error instanceof SaldoError) || !error.retryable) throw error
        if (++this.#tries >= TRIES_AT_ONCE && performance.now() >= this.#until) throw error
        await pause(Math.min(PAUSE_FIRST_MS * 2 ** this.#tries, PAUSE_MAX_MS))
        await this.#cluster.refreshMetadata().catch(() => undefined)
      }
    }
  }
}
