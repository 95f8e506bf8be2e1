/** Topics for whoever sets a cluster up: looked at, made and changed, without a log that is opened. */
import { setTimeout as pause } from 'node:timers/promises'
import { SaldoError } from '../../schemas/errors.ts'
import { alterTopicsCall } from './kafka-admin-calls.ts'
import { openCluster, type WireCluster } from './kafka-cluster.ts'
import { asLogError } from './kafka-errors.ts'
import { greet } from './kafka-greeting.ts'
import { kafkaNames } from './kafka-names.ts'
import { checkFiles, type KafkaSecurity } from './kafka-security.ts'
import type { Difference, TopicChoices } from './kafka-topic-plans.ts'
import {
  anyBroker,
  createTopics,
  lookAtTopics,
  withPatience,
  type LookedAt,
} from './kafka-topics.ts'

export interface TopicAdmin {
  /** How many topics there ought to be, and how what is there differs. */
  look(): Promise<{ readonly topics: number; readonly differences: readonly Difference[] }>
  /**
   * Makes what is missing, and changes the settings that differ if `alter`; answers what it did when the cluster knows
   * of it. Does nothing at all where a topic has another number of partitions.
   */
  mend(options: { readonly alter: boolean }): Promise<readonly Difference[]>
  close(): Promise<void>
}

export type TopicAdminOptions = {
  readonly brokers: readonly string[]
  readonly partitions: number
  readonly prefix: string
  readonly choices?: TopicChoices
  readonly security?: KafkaSecurity
}

const SETTLED_TRIES_MAX = 200
const SETTLED_PAUSE_MS = 50

export async function topicAdmin(options: TopicAdminOptions): Promise<TopicAdmin> {
  const { brokers, partitions, prefix, choices = {}, security = {} } = options
  checkFiles(security)
  await greet(brokers, security)
  const names = kafkaNames(prefix)
  const cluster = openCluster({ brokers, clientId: 'saldo-topics', security })
  const look = (): Promise<LookedAt> =>
    withPatience(cluster, 'the topics were not looked at', () =>
      lookAtTopics(cluster, { names, partitions, choices }),
    )
  try {
    await cluster.connect()
  } catch (cause) {
    await cluster.disconnect().catch(() => undefined)
    throw asLogError(cause, 'the topics were not looked at')
  }
  return {
    async look() {
      const { plans, differences } = await worded('looked at', look)
      return { topics: plans.length, differences }
    },
    mend: ({ alter }) => worded('changed', () => mend(cluster, look, alter)),
    close: () => cluster.disconnect(),
  }
}

async function worded<Result>(done: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (cause) {
    throw asLogError(cause, `the topics were not ${done}`)
  }
}

async function mend(
  cluster: WireCluster,
  look: () => Promise<LookedAt>,
  alter: boolean,
): Promise<readonly Difference[]> {
  const { plans, differences } = await look()
  const other = differences.find(({ what }) => what === 'partitions')
  if (other !== undefined) {
    throw new SaldoError(
      'SALDO_LOG_MISMATCH',
      `${other.topic} has ${other.found} partitions, not ${other.wanted}: their number is fixed for life, and nothing was changed`,
    )
  }
  const connectionPool = await anyBroker(cluster)
  const missing = differences.filter(({ kind }) => kind === 'missing')
  if (missing.length > 0) {
    const wanted = new Set(missing.map(({ topic }) => topic))
    await createTopics(
      connectionPool,
      plans.filter(({ name }) => wanted.has(name)),
    )
  }
  const changed = alter ? differences.filter(({ kind }) => kind === 'setting') : []
  if (changed.length > 0) {
    const byTopic = [...Map.groupBy(changed, ({ topic }) => topic)].map(([name, own]) => ({
      name,
      settings: own.map(({ what, wanted }) => ({ name: what, value: wanted })),
    }))
    for (const { name, code, message } of await connectionPool.send(alterTopicsCall(byTopic))) {
      if (code === 0) continue
      throw new SaldoError(
        'SALDO_TOPICS_REFUSED',
        `the cluster does not change ${name} (${message === '' ? `error ${code}` : message})`,
      )
    }
  }
  const done = [...missing, ...changed]
  await settled(look, done)
  return done
}

/** The controller answers before the brokers know; whoever starts something next asks one of them. */
async function settled(look: () => Promise<LookedAt>, done: readonly Difference[]): Promise<void> {
  const isOf = (one: Difference) => (other: Difference) =>
    one.topic === other.topic && one.what === other.what
  for (let tries = 1; ; tries++) {
    const { differences } = await look()
    if (!done.some((one) => differences.some(isOf(one)))) return
    if (tries === SETTLED_TRIES_MAX) {
      throw new SaldoError('SALDO_LOG_UNAVAILABLE', 'the brokers do not know of the change yet', {
        retryable: true,
      })
    }
    await pause(SETTLED_PAUSE_MS)
  }
}
