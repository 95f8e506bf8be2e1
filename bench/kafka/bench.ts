/** What every figure of the Kafka bench needs. */
import { setTimeout as delay } from 'node:timers/promises'
import { Kafka, logLevel, type Admin } from 'kafkajs'
import type { Report } from '../report.ts'
import type { BenchBroker } from './broker.ts'
import { freshWorld, type World } from './engine.ts'
import type { Java } from './java.ts'

export type Bench = {
  readonly java: Java
  readonly broker: BenchBroker
  readonly admin: Admin
  /** Where processes keep what they need; gone at the end. */
  readonly folder: string
  readonly report: Report
  /** What holds for every later figure. */
  given(postgresql: string): void
  /** One after the other, for topics, groups and folders. */
  nextName(): string
}

export async function openAdmin(address: string): Promise<Admin> {
  const kafka = new Kafka({ brokers: [address], clientId: 'bench', logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  return admin
}

/** A world of its own for `work`; its topics go with it, so that no figure pays for what another left. */
export async function inWorld<T>(
  bench: Bench,
  partitions: number,
  work: (world: World) => Promise<T>,
): Promise<T> {
  const prefix = `${bench.nextName()}.`
  const world = await freshWorld(bench.broker.address, prefix, partitions)
  bench.given(world.tables.version)
  try {
    return await work(world)
  } finally {
    await world.close()
    await removeTopics(bench, prefix)
  }
}

/** Every topic of that name, an engine's internal ones included. */
export async function removeTopics({ admin }: Bench, prefix: string): Promise<void> {
  const topics = (await admin.listTopics()).filter((name) => name.startsWith(prefix))
  if (topics.length > 0) await admin.deleteTopics({ topics })
}

/** Resolves when every partition has a leader that answers for it: the metadata knows of it a little earlier or later. */
export async function createTopic(
  { admin }: Bench,
  topic: string,
  partitions: number,
): Promise<void> {
  await admin.createTopics({
    waitForLeaders: false,
    topics: [{ topic, numPartitions: partitions }],
  })
  await patiently(() => admin.fetchTopicOffsets(topic))
}

const TRIES_MAX = 100
const PAUSE_MS = 200

/** What a broker refuses only for now is asked for again. */
export async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask()
    } catch (error) {
      if (!isRetriable(error) || tries === TRIES_MAX) throw error
      await delay(PAUSE_MS)
    }
  }
}

function isRetriable(error: unknown): boolean {
  return error instanceof Error && 'retriable' in error && error.retriable === true
}
