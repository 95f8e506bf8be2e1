import { describe, expect, test } from 'vitest'
import { RECORD_BYTES_MAX, topics, type TopicName } from '../../schemas/topics.ts'
import { kafkaNames } from '../../topology/log/kafka-names.ts'
import {
  differencesOf,
  sayDifference,
  settingsOf,
  topicPlans,
  type FoundTopic,
  type TopicChoices,
} from '../../topology/log/kafka-topic-plans.ts'

const names = kafkaNames('here.')
const DAY_MS = 86_400_000

function plansOf(choices: TopicChoices = {}, brokers = 3) {
  return topicPlans(names, { partitions: 12, brokers }, choices)
}

function settingOf(topic: TopicName, setting: string, choices: TopicChoices = {}, brokers = 3) {
  const plan = plansOf(choices, brokers).find((one) => one.topic.name === topic)
  if (plan === undefined) throw new Error(`no plan for ${topic}`)
  return settingsOf(plan, plan.replicas).find(({ name }) => name === setting)?.value
}

/** A cluster as it ought to be, but for some settings of the events. */
function differences(
  changed: Partial<FoundTopic> & { readonly set?: { readonly [name: string]: string } },
  choices: TopicChoices = {},
  topic: TopicName = 'ledger.events',
) {
  const plans = plansOf(choices)
  const found = new Map<string, FoundTopic>(
    plans.map((plan) => {
      const { partitions, replicas } = plan
      const settings = settingsOf(plan, replicas).map(({ name, value }) => [name, value] as const)
      return [plan.name, { partitions, replicas, settings: new Map(settings) }]
    }),
  )
  const name = names.topic(topic)
  const before = found.get(name)
  if (before === undefined) throw new Error(`no ${name}`)
  const { set = {}, ...layout } = changed
  const settings = new Map([...(before.settings ?? []), ...Object.entries(set)])
  found.set(name, { ...before, settings, ...layout })
  return differencesOf(plans, found).map((one) => ({ ...one, said: sayDifference(one) }))
}

describe('the topics of a log on Kafka', () => {
  test('are those of the schemas, and nothing differs from what they were made as', () => {
    expect(plansOf().map(({ name }) => name)).toEqual(
      Object.keys(topics).map((one) => `here.${one}`),
    )
    expect(differences({})).toEqual([])
  })

  test('keep by time only what has a time, and answers for as long as they are wanted', () => {
    const keptMs = (choices: TopicChoices = {}) =>
      Object.fromEntries(
        Object.values(topics).map(({ name }) => [name, settingOf(name, 'retention.ms', choices)]),
      )
    const week = String(7 * DAY_MS)
    expect(keptMs()).toMatchObject({
      'ledger.commands': '-1',
      'ledger.events': '-1',
      'ledger.parked': '-1',
      'ledger.outcomes': week,
      'ledger.dead-letters': week,
      'transactions.created': week,
    })
    expect(keptMs({ answersMs: DAY_MS })).toMatchObject({
      'ledger.outcomes': String(DAY_MS),
      'ledger.dead-letters': String(DAY_MS),
      'transactions.created': week,
    })
  })

  test('let commands off the disk soon after they were removed', () => {
    expect(Number(settingOf('ledger.commands', 'segment.ms'))).toBeLessThanOrEqual(DAY_MS / 24)
    expect(settingOf('ledger.events', 'segment.ms')).toBeUndefined()
  })

  test('have three replicas where there are so many brokers, and acknowledge without one of them', () => {
    const layout = (brokers: number, choices: TopicChoices = {}) => [
      plansOf(choices, brokers)[0]?.replicas,
      settingOf('ledger.events', 'min.insync.replicas', choices, brokers),
    ]
    expect(layout(1)).toEqual([1, '1'])
    expect(layout(2)).toEqual([2, '1'])
    expect(layout(3)).toEqual([3, '2'])
    expect(layout(7)).toEqual([3, '2'])
    expect(layout(7, { replicas: 5 })).toEqual([5, '4'])
    expect(layout(3, { inSyncMin: 1 })).toEqual([3, '1'])
  })

  test.each([
    ['cleanup.policy', 'compact'],
    ['cleanup.policy', 'compact,delete'],
    ['message.timestamp.type', 'CreateTime'],
    ['unclean.leader.election.enable', 'true'],
    ['retention.ms', String(7 * DAY_MS)],
    ['retention.bytes', '1000000'],
    ['max.message.bytes', String(RECORD_BYTES_MAX)],
    ['min.insync.replicas', '4'],
  ])('break a promise with %s=%s', (what, found) => {
    expect(differences({ set: { [what]: found } })).toMatchObject([
      { topic: 'here.ledger.events', what, found, isVital: true, kind: 'setting' },
    ])
  })

  test('break a promise where commands may come packed, which anyone sends', () => {
    const set = { 'compression.type': 'producer' }
    expect(differences({ set }, {}, 'ledger.commands')).toMatchObject([{ isVital: true }])
    expect(differences({ set })).toMatchObject([{ isVital: false }])
  })

  test('break none with another retention of answers, fewer replicas or other segments', () => {
    const outcomes = 'ledger.outcomes'
    const set = { 'retention.ms': '1000', 'segment.ms': '1000', 'min.insync.replicas': '1' }
    const found = differences({ set }, {}, outcomes)
    expect(found.map(({ what, isVital }) => [what, isVital])).toEqual([
      ['min.insync.replicas', false],
      ['retention.ms', false],
      ['segment.ms', false],
    ])
    expect(found[1]?.said).toBe(`has retention.ms=1000, not ${7 * DAY_MS}`)
  })

  test('may be safer than they need to be, except where something else was asked for', () => {
    expect(differences({ set: { 'max.message.bytes': '10000000' } })).toEqual([])
    expect(differences({ replicas: 4, set: { 'min.insync.replicas': '3' } })).toEqual([])
    expect(differences({ replicas: 4 }, { replicas: 3 })).toMatchObject([
      { what: 'replicas', said: 'has 4 replicas, not 3' },
    ])
  })

  test('are asked for no more copies in sync than they have', () => {
    const alone = { replicas: 1, set: { 'min.insync.replicas': '1' } }
    expect(differences(alone)).toMatchObject([{ what: 'replicas', isVital: false }])
  })

  test('keep their number of partitions, and may not be missing', () => {
    expect(differences({ partitions: 24 })).toMatchObject([
      { what: 'partitions', isVital: true, kind: 'layout', said: 'has 24 partitions, not 12' },
    ])
    expect(differencesOf(plansOf(), new Map())[0]).toMatchObject({
      topic: 'here.ledger.commands',
      kind: 'missing',
      wanted: '12 partitions and 3 replicas',
    })
  })

  test('that nobody may look into are no reason to stop, and not as they ought to be', () => {
    expect(differences({ settings: undefined })).toMatchObject([
      { what: 'settings', isVital: false, said: 'has settings that this login may not see' },
    ])
  })
})
