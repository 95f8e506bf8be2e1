/** What every topic has to be on a cluster, from schemas/topics.ts, and how what is there differs from it. */
import { RECORD_BYTES_MAX, topics, type Topic } from '../../schemas/topics.ts'
import type { KafkaNames } from './kafka-names.ts'

/** What whoever runs the cluster chooses. */
export type TopicChoices = {
  /** Copies of every record; without it three, or as many as there are brokers. */
  readonly replicas?: number
  /** Copies that are written before a record is acknowledged; without it all but one, and at least one. */
  readonly inSyncMin?: number
  /** How long outcomes and dead letters are kept; without it seven days. */
  readonly answersMs?: number
}

export type TopicPlan = {
  readonly topic: Topic
  /** On the cluster. */
  readonly name: string
  readonly partitions: number
  readonly replicas: number
  readonly choices: TopicChoices
}

export type FoundTopic = {
  readonly partitions: number
  /** Of the partition that has fewest. */
  readonly replicas: number
  /** Undefined where nobody may look. */
  readonly settings: ReadonlyMap<string, string> | undefined
}

export type Difference = {
  /** On the cluster. */
  readonly topic: string
  /** `topic` where it is missing, `partitions`, `replicas`, `settings` where they are hidden, or the name of one. */
  readonly what: string
  readonly wanted: string
  readonly found: string
  /** A promise depends on it, and nothing starts. */
  readonly isVital: boolean
  readonly kind: 'missing' | 'layout' | 'setting' | 'hidden'
}

const DAY_MS = 86_400_000
const PUBLIC_MS = 7 * DAY_MS
const REPLICAS_USUAL = 3
/** A batch with one record of the largest size, its key and what is around it. */
const BATCH_BYTES_MAX = RECORD_BYTES_MAX + 64 * 1024
/** A segment leaves the disk only when it is written no more, and commands are in clear. */
const COMMAND_SEGMENT_MS = 600_000
/** What is kept is in so many segments, and each goes when all of it is old enough. */
const TIMED_SEGMENTS = 3

export function topicPlans(
  names: KafkaNames,
  at: { readonly partitions: number; readonly brokers: number },
  choices: TopicChoices,
): readonly TopicPlan[] {
  const replicas = choices.replicas ?? Math.min(REPLICAS_USUAL, at.brokers)
  return Object.values(topics).map((topic) => {
    const name = names.topic(topic.name)
    return { topic, name, partitions: at.partitions, replicas, choices }
  })
}

type Setting = {
  readonly name: string
  readonly value: string
  readonly isVital: boolean
  /** A larger number is as good, up to this one, which nothing works above. */
  readonly max?: number
}

const vital = (name: string, value: string | number): Setting => ({
  name,
  value: String(value),
  isVital: true,
})
const wished = (name: string, value: string | number): Setting => ({
  name,
  value: String(value),
  isVital: false,
})

/** Of a topic with so many replicas. */
export function settingsOf(plan: TopicPlan, replicas: number): readonly Setting[] {
  const { topic, choices } = plan
  const { inSyncMin = Math.max(1, Math.min(replicas, plan.replicas) - 1) } = choices
  return [
    vital('cleanup.policy', 'delete'),
    // A producer's clock cannot move the time of a record.
    vital('message.timestamp.type', 'LogAppendTime'),
    { ...vital('max.message.bytes', BATCH_BYTES_MAX), max: Number.POSITIVE_INFINITY },
    // A replica that lacks acknowledged records never becomes the one that is read.
    vital('unclean.leader.election.enable', 'false'),
    { ...wished('min.insync.replicas', Math.min(inSyncMin, replicas)), max: replicas },
    // The broker unpacks what producers compress, and refuses what then is larger than a record may be. Commands come
    // from anyone, and one that unpacks without end would stop its partition.
    { ...wished('compression.type', 'uncompressed'), isVital: topic.name === 'ledger.commands' },
    ...retentionOf(topic, choices),
  ]
}

function retentionOf(
  { name, retention }: Topic,
  { answersMs = PUBLIC_MS }: TopicChoices,
): readonly Setting[] {
  // Never by age or size: a partition that stands still must not lose commands.
  const kept = [vital('retention.ms', -1), vital('retention.bytes', -1)]
  switch (retention) {
    case 'for-ever':
      return kept
    case 'behind-committed-offset':
    case 'until-unparked':
      return [...kept, wished('segment.ms', COMMAND_SEGMENT_MS)]
    case '7-days': {
      const isAnswer = name === 'ledger.outcomes' || name === 'ledger.dead-letters'
      const keptMs = isAnswer ? answersMs : PUBLIC_MS
      return [
        wished('retention.ms', keptMs),
        wished('retention.bytes', -1),
        wished('segment.ms', Math.floor(keptMs / TIMED_SEGMENTS)),
      ]
    }
  }
}

/** In the order of the plans. */
export function differencesOf(
  plans: readonly TopicPlan[],
  found: ReadonlyMap<string, FoundTopic>,
): readonly Difference[] {
  return plans.flatMap((plan) => {
    const topic = found.get(plan.name)
    return topic === undefined
      ? [missing(plan)]
      : [...layoutDifferences(plan, topic), ...settingDifferences(plan, topic)]
  })
}

function missing({ name: topic, partitions, replicas }: TopicPlan): Difference {
  const wanted = `${counted(partitions, 'partition')} and ${counted(replicas, 'replica')}`
  return { topic, what: 'topic', wanted, found: 'nothing', isVital: true, kind: 'missing' }
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}

function layoutDifferences(
  { name: topic, partitions, replicas, choices }: TopicPlan,
  found: FoundTopic,
): readonly Difference[] {
  const difference = (what: 'partitions' | 'replicas', wanted: number): Difference => {
    const isVital = what === 'partitions'
    return { topic, what, wanted: `${wanted}`, found: `${found[what]}`, isVital, kind: 'layout' }
  }
  const isCopied =
    choices.replicas === undefined ? found.replicas >= replicas : found.replicas === replicas
  return [
    ...(found.partitions === partitions ? [] : [difference('partitions', partitions)]),
    ...(isCopied ? [] : [difference('replicas', replicas)]),
  ]
}

function settingDifferences(plan: TopicPlan, found: FoundTopic): readonly Difference[] {
  const { name: topic } = plan
  const { settings } = found
  if (settings === undefined) {
    const difference = { topic, what: 'settings', wanted: 'seen', found: 'hidden' }
    return [{ ...difference, isVital: false, kind: 'hidden' }]
  }
  return settingsOf(plan, found.replicas).flatMap(({ name: what, value: wanted, isVital, max }) => {
    const value = settings.get(what)
    if (value === undefined || value === wanted) return []
    const number = Number(value)
    const isTooMuch = max !== undefined && number > max
    if (max !== undefined && number > Number(wanted) && !isTooMuch) return []
    const kind = 'setting' as const
    return [{ topic, what, wanted, found: value, isVital: isVital || isTooMuch, kind }]
  })
}

/** For a person, without the name of the topic. */
export function sayDifference({ what, wanted, found, kind }: Difference): string {
  switch (kind) {
    case 'missing':
      return 'is missing'
    case 'layout':
      return `has ${found} ${what}, not ${wanted}`
    case 'setting':
      return `has ${what}=${found}, not ${wanted}`
    case 'hidden':
      return 'has settings that this login may not see'
  }
}
