import { topics, type TopicName } from '../../schemas/topics.ts'
import type { GroupPlace } from './log.ts'

/** What things are called on the cluster; they outlive every process, so none holds a host, a number or a version. */
export type KafkaNames = {
  readonly topics: readonly string[]
  topic(name: TopicName): string
  group(name: string): string
  /** One per partition and group, whoever owns it: it is what the broker fences by. */
  transactionalId(place: GroupPlace): string
}

/** Two engines on one cluster differ by their prefix. */
export function kafkaNames(prefix: string): KafkaNames {
  return {
    topics: Object.keys(topics).map((name) => `${prefix}${name}`),
    topic: (name) => `${prefix}${name}`,
    group: (name) => `${prefix}${name}`,
    transactionalId: ({ group, topic, partition }) => `${prefix}${group}.${topic}.${partition}`,
  }
}
