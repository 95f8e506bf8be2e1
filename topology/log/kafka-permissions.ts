/** Kafka says that something is not allowed, and seldom what: whoever asked for it knows. */
import type { WireCluster } from './kafka-cluster.ts'
import { brokerCode, kafkaErrors, notAllowed, refusedKind } from './kafka-errors.ts'
import { describeTopics } from './kafka-metadata.ts'
import type { KafkaNames } from './kafka-names.ts'
import type { GroupPlace, NewRecord } from './log.ts'

type Asked = { readonly records?: readonly NewRecord[]; readonly place?: GroupPlace }

/** Its bit in the operations that are allowed, by its number in the protocol. */
const WRITE = 1 << 4

/** Passes everything on; an error that is a lack of permission names the thing. */
export function namesOfRefused(cluster: WireCluster, names: KafkaNames) {
  return async <Result>(work: Promise<Result>, asked: Asked): Promise<Result> => {
    try {
      return await work
    } catch (error) {
      throw (await named(error, asked)) ?? error
    }
  }

  async function named(error: unknown, { records = [], place }: Asked): Promise<Error | undefined> {
    const code = brokerCode(error)
    const kind = refusedKind(code)
    if (place !== undefined && kind === 'group') {
      return notAllowed(`use the group ${names.group(place.group)}`, error)
    }
    if (place !== undefined && kind === 'transactional id') {
      return notAllowed(`use the transactional id ${names.transactionalId(place)}`, error)
    }
    // What is asked for together with a topic that is refused is answered with the latter.
    if (kind !== 'topic' && code !== kafkaErrors.OPERATION_NOT_ATTEMPTED) return undefined
    const topics = await unwritable(new Set(records.map(({ topic }) => names.topic(topic)))).catch(
      () => [],
    )
    return topics.length === 0 ? undefined : notAllowed(`write to ${topics.join(', ')}`, error)
  }

  async function unwritable(topics: ReadonlySet<string>): Promise<readonly string[]> {
    const { connectionPool } = await cluster.findControllerBroker()
    const { topics: found } = await describeTopics(connectionPool, [...topics])
    return [...found].flatMap(([name, { allowed }]) => ((allowed & WRITE) === 0 ? [name] : []))
  }
}
