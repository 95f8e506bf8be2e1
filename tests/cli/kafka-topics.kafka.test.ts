import { beforeEach, expect, test } from 'vitest'
import { checkTopics, createTopics } from '../../cli/kafka-topics.ts'
import { readConfig } from '../../config/config.ts'
import { topics } from '../../schemas/topics.ts'
import { describeKafka } from '../support/kafka.ts'

const ALL = Object.keys(topics).length

describeKafka('saldo topics', (kafka) => {
  let opened = 0
  let prefix: string
  beforeEach(() => {
    prefix = `${kafka.prefix}${++opened}.`
  })

  /** Runs the verb; what it ends with and what it printed. */
  async function run(
    verb: 'check' | 'create' | 'alter',
    environment: { readonly [name: string]: string } = {},
    json = false,
  ): Promise<readonly [code: number, ...lines: readonly string[]]> {
    const config = readConfig({
      KAFKA_BROKERS: kafka.broker.address,
      SALDO_KAFKA_PREFIX: prefix,
      SALDO_PARTITIONS: '2',
      ...environment,
    })
    const lines: string[] = []
    const out = {
      result: (line: string) => void lines.push(line),
      note: () => {},
      flushed: () => Promise.resolve(),
    }
    const code =
      verb === 'check'
        ? await checkTopics(config, { json }, out)
        : await createTopics(config, { alter: verb === 'alter', json }, out)
    return [code, ...lines]
  }

  test('shows what is missing and changes nothing, makes it, and finds nothing more to do', async () => {
    const missing = Object.keys(topics).map((name) => `${prefix}${name} is missing`)
    expect(await run('check')).toEqual([1, ...missing])
    expect(await run('check')).toEqual([1, ...missing])
    const made = Object.keys(topics).map(
      (name) => `${prefix}${name} was created with 2 partitions and 1 replica`,
    )
    const fine = `${ALL} topics are as they ought to be`
    expect(await run('create')).toEqual([0, ...made, fine])
    expect(await run('create')).toEqual([0, fine])
    expect(await run('check')).toEqual([0, fine])
  })

  test('changes settings only where it is asked to, and no others', async () => {
    await run('create', { SALDO_ANSWERS_DAYS: '3' })
    const [, first, ...rest] = await run('create')
    expect(first).toBe(`${prefix}ledger.outcomes has retention.ms=259200000, not 604800000`)
    expect(rest).toHaveLength(3)
    expect(await run('alter')).toEqual([
      0,
      `${prefix}ledger.outcomes has retention.ms=604800000 now`,
      `${prefix}ledger.outcomes has segment.ms=201600000 now`,
      `${prefix}ledger.dead-letters has retention.ms=604800000 now`,
      `${prefix}ledger.dead-letters has segment.ms=201600000 now`,
      `${ALL} topics are as they ought to be`,
    ])
    expect(await run('check')).toEqual([0, `${ALL} topics are as they ought to be`])
  })

  test('tells a program what differs', async () => {
    await run('create')
    const [code, line = ''] = await run('check', { SALDO_KAFKA_REPLICATION: '3' }, true)
    expect(code).toBe(1)
    const { topics: count, differences } = JSON.parse(line) as {
      topics: number
      differences: unknown[]
    }
    expect(count).toBe(ALL)
    expect(differences).toHaveLength(ALL)
    expect(differences[0]).toEqual({
      topic: `${prefix}ledger.commands`,
      what: 'replicas',
      wanted: '3',
      found: '1',
      vital: false,
    })
  })

  test('never changes a number of partitions, and makes nothing beside it', async () => {
    await run('create')
    expect(await run('check', { SALDO_PARTITIONS: '3' })).toContain(
      `${prefix}ledger.events has 2 partitions, not 3: nothing starts like that`,
    )
    await expect(run('alter', { SALDO_PARTITIONS: '3' })).rejects.toMatchObject({
      code: 'SALDO_LOG_MISMATCH',
    })
    expect(await run('check')).toEqual([0, `${ALL} topics are as they ought to be`])
  })

  test('is of no use without Kafka, and says so', async () => {
    await expect(run('check', { KAFKA_BROKERS: '' })).rejects.toMatchObject({
      code: 'SALDO_USAGE',
    })
  })

  test('a cluster that is away is something that cannot be reached', async () => {
    await expect(run('check', { KAFKA_BROKERS: '127.0.0.1:1' })).rejects.toMatchObject({
      code: 'SALDO_LOG_UNAVAILABLE',
    })
  })
})
