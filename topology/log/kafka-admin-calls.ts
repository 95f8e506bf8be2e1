/**
 * Requests about topics that kafkajs cannot make, or whose answers it makes one failure of: here every topic has an
 * answer of its own. Its AlterConfigs would set back every setting that is not named.
 */
import { KafkaReader, KafkaWriter } from './kafka-bytes.ts'
import type { WireCall } from './kafka-cluster.ts'
import { wireCall } from './kafka-fetch.ts'

/** 0 where it was done; `message` is the broker's own. */
export type Answer = { readonly name: string; readonly code: number; readonly message: string }

export type Entry = { readonly name: string; readonly value: string }

const TIMEOUT_MS = 10_000
const TOPIC = 2
const SET = 0

export function createTopicsCall(
  topics: readonly {
    readonly name: string
    readonly partitions: number
    readonly replicas: number
    readonly settings: readonly Entry[]
  }[],
): WireCall<readonly Answer[]> {
  const body = new KafkaWriter().int32(topics.length)
  for (const { name, partitions, replicas, settings } of topics) {
    // The broker says which of them have which replica.
    body.string(name).int32(partitions).int16(replicas).int32(0).int32(settings.length)
    for (const entry of settings) body.string(entry.name).string(entry.value)
  }
  body.int32(TIMEOUT_MS).int8(0)
  const kind = { apiKey: 19, apiVersion: 4, apiName: 'CreateTopics' }
  return wireCall(kind, body.bytes, (bytes) => {
    const reader = new KafkaReader(bytes)
    reader.int32()
    return listOf(reader, () => {
      const name = reader.string()
      return { name, code: reader.int16(), message: reader.string() }
    })
  })
}

/** Changes the settings that are named and no others. */
export function alterTopicsCall(
  topics: readonly { readonly name: string; readonly settings: readonly Entry[] }[],
): WireCall<readonly Answer[]> {
  const body = new KafkaWriter().int32(topics.length)
  for (const { name, settings } of topics) {
    body.int8(TOPIC).string(name).int32(settings.length)
    for (const entry of settings) body.string(entry.name).int8(SET).string(entry.value)
  }
  body.int8(0)
  const kind = { apiKey: 44, apiVersion: 0, apiName: 'IncrementalAlterConfigs' }
  return wireCall(kind, body.bytes, (bytes) => {
    const reader = new KafkaReader(bytes)
    reader.int32()
    return listOf(reader, () => {
      const [code, message] = [reader.int16(), reader.string()]
      reader.int8()
      return { name: reader.string(), code, message }
    })
  })
}

export type DescribedTopic = Answer & { readonly settings: ReadonlyMap<string, string> }

export function describeSettingsCall(
  names: readonly string[],
  settings: readonly string[],
): WireCall<readonly DescribedTopic[]> {
  const body = new KafkaWriter().int32(names.length)
  for (const name of names) {
    body.int8(TOPIC).string(name).int32(settings.length)
    for (const setting of settings) body.string(setting)
  }
  // Not what a setting would be without the topic's own.
  body.int8(0)
  const kind = { apiKey: 32, apiVersion: 1, apiName: 'DescribeConfigs' }
  return wireCall(kind, body.bytes, (bytes) => {
    const reader = new KafkaReader(bytes)
    reader.int32()
    return listOf(reader, () => {
      const [code, message] = [reader.int16(), reader.string()]
      reader.int8()
      const name = reader.string()
      return { name, code, message, settings: new Map(listOf(reader, () => settingIn(reader))) }
    })
  })
}

function settingIn(reader: KafkaReader): readonly [name: string, value: string] {
  const setting = [reader.string(), reader.string()] as const
  // Whether it may be changed, where it comes from, whether it is a secret.
  reader.raw(3)
  listOf(reader, () => [reader.string(), reader.string(), reader.int8()])
  return setting
}

export type Removal = { readonly partition: number; readonly before: bigint }
export type RemovalAnswer = {
  readonly partition: number
  readonly start: bigint
  readonly code: number
}

/** Bounded by the broker at the high watermark, which is behind records of open transactions: ask for less. */
export function deleteRecordsCall(
  topic: string,
  removals: readonly Removal[],
): WireCall<readonly RemovalAnswer[]> {
  const body = new KafkaWriter().int32(1).string(topic).int32(removals.length)
  for (const { partition, before } of removals) body.int32(partition).int64(before)
  body.int32(TIMEOUT_MS)
  const kind = { apiKey: 21, apiVersion: 1, apiName: 'DeleteRecords' }
  return wireCall(kind, body.bytes, (bytes) => {
    const reader = new KafkaReader(bytes)
    reader.int32()
    const topics = listOf(reader, () => {
      reader.string()
      return listOf(reader, () => {
        const partition = reader.int32()
        return { partition, start: reader.int64(), code: reader.int16() }
      })
    })
    return topics.flat()
  })
}

function listOf<Item>(reader: KafkaReader, next: () => Item): readonly Item[] {
  return Array.from({ length: Math.max(0, reader.int32()) }, next)
}
