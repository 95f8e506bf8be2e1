import type { Codec } from '../../schemas/codec.ts'
import type { TopicName } from '../../schemas/topics.ts'
import type { LedgerEvent } from '../../schemas/types.ts'

/** A topic that follows from the events: each gives one record of it or none. Pure, so a replay gives the same bytes. */
export type Stream = {
  /** Written by hand; stands in the topology. */
  readonly name: string
  readonly topic: TopicName
  /** The value of the record that follows from an event. */
  valueOf(event: LedgerEvent): Buffer | undefined
}

export function stream<T>(options: {
  readonly name: string
  readonly topic: TopicName
  readonly codec: Codec<T>
  readonly step: (event: LedgerEvent) => T | undefined
}): Stream {
  const { name, topic, codec, step } = options
  return {
    name,
    topic,
    valueOf(event) {
      const value = step(event)
      return value === undefined ? undefined : codec.encode(value)
    },
  }
}
