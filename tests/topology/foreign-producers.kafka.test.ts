/**
 * Programs that know nothing of Saldo but its topics and the schema registry: Java's client, and Confluent's for Python
 * with its own serializers.
 */
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { commandCodec, deadLetterCodec, outcomeCodec } from '../../schemas/codec.ts'
import { lateIds } from '../../schemas/late-ids.ts'
import { registeredIds } from '../../schemas/registered-ids.ts'
import { registryHttp } from '../../schemas/registry-http.ts'
import { releasedSchemas } from '../../schemas/released-schemas.ts'
import { memoryCheckpointStore } from '../../sink/memory-checkpoint-store.ts'
import { kafkaLog } from '../../topology/log/kafka-log.ts'
import type { Log } from '../../topology/log/log.ts'
import { withLateIds } from '../../topology/log/with-late-ids.ts'
import { withSchemaIds } from '../../topology/log/with-schema-ids.ts'
import { runActors } from '../../topology/run-actors.ts'
import { readAll } from '../contracts/log-records.ts'
import { commandRecord } from '../support/actor-world.ts'
import { NEVER, wish } from '../support/actor-run.ts'
import { opened } from '../support/example-commands.ts'
import { publishByJava } from '../support/java-producer.ts'
import { describeKafka, type TestKafka } from '../support/kafka.ts'
import { memoryKeys } from '../support/memory-keys.ts'
import { missingForPython, runPython } from '../support/python-client.ts'
import { describeRegistry, type TestRegistry } from '../support/registry.ts'

const PARTITIONS = 3
const USERS = 12
// Clients that are installed on first use, and start slowly on a busy machine.
vi.setConfig({ testTimeout: 300_000 })

describeKafka('the actor loop', (kafka) => {
  describeRegistry('fed by foreign producers', (registry) => suite(kafka, registry))
})

function suite(kafka: TestKafka, registry: TestRegistry): void {
  const stop = new AbortController()
  const store = memoryCheckpointStore()
  const topic = `${kafka.prefix}ledger.commands`
  const python = missingForPython()
  const isNeeded = (process.env['SALDO_TEST_REQUIRE'] ?? '').split(',').includes('python')
  const withPython = python === undefined || isNeeded ? test : test.skip
  const why = python === undefined ? '' : ` (skipped: ${python})`
  let raw: Log
  let log: Log
  let owners: Promise<unknown>

  beforeAll(async () => {
    const { prefix } = kafka
    const ids = await registeredIds({ url: registry.url }, { prefix })
    const brokers = [kafka.broker.address]
    const opening = await kafkaLog({ brokers, partitions: PARTITIONS, role: 'test', prefix })
    raw = opening
    const late = lateIds(
      { url: registry.url },
      {
        versions: releasedSchemas('saldo.ledger.v1.LedgerCommand'),
        onFailed: (error) => {
          throw error
        },
        onAnswered: () => {},
      },
    )
    log = withLateIds(withSchemaIds(opening, ids), late, () => {})
    const deps = {
      log,
      store,
      keys: memoryKeys(),
      sharding: 64,
      limit: { records: 100, bytes: 1_000_000 },
      pace: NEVER,
      cellsMax: 1_000,
      now: () => performance.now(),
      observe: {
        state: () => {},
        committed: () => {},
        fault: (_: number, error: unknown) => {
          throw error
        },
      },
    }
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition)
    owners = Promise.all(partitions.map((one) => runActors(one, deps, stop.signal)))
    owners.catch(() => undefined)
  })

  afterAll(async () => {
    stop.abort()
    await owners
    await log.close()
  })

  /** Commands of as many users as told, in the JSON that a kind of client takes. */
  function commands(of: string, wrap: 'avro' | 'fastavro'): readonly Written[] {
    return Array.from({ length: USERS }, (_, index) => {
      const type = 'saldo.account.v1.OpenAccount'
      const account = { accountId: 'main', kind: 'checking', currency: 'NOK', bankName: null }
      const name = `of ${of}`
      const userId = `${of}-${index}`
      return {
        commandId: randomUUID(),
        userId,
        issuedAt: Date.UTC(2026, 2, 14),
        expectedVersion: null,
        initiator: { kind: 'user', id: userId },
        traceparent: null,
        body:
          wrap === 'avro'
            ? { [type]: { ...account, name: { string: name } } }
            : { '-type': type, ...account, name },
      }
    })
  }

  const linesOf = (written: readonly Written[]): string =>
    written.map((command) => JSON.stringify(command)).join('\n')

  /** The verdicts and causes of so many records behind the ones that were there, by command id or key. */
  async function answered(count: number, before: Logged): Promise<Logged> {
    for (;;) {
      const now = await logged()
      const more = now.outcomes.length + now.letters.length
      if (more >= before.outcomes.length + before.letters.length + count) {
        return {
          outcomes: now.outcomes.slice(before.outcomes.length),
          letters: now.letters.slice(before.letters.length),
        }
      }
      const waits = [...places('ledger.outcomes'), ...places('ledger.dead-letters')]
      const woken = new AbortController()
      const arrivals = waits.map(async (place) =>
        log.arrival(place, await log.end(place), woken.signal),
      )
      await Promise.race([...arrivals, owners])
      woken.abort()
    }
  }

  const places = (name: 'ledger.outcomes' | 'ledger.dead-letters') =>
    Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: name, partition }) as const)

  async function logged(): Promise<Logged> {
    const read = async (name: 'ledger.outcomes' | 'ledger.dead-letters') =>
      (await Promise.all(places(name).map((place) => readAll(log, place))))
        .flat()
        .toSorted((one, other) => one.appendedAt - other.appendedAt)
        .map(({ value }) => value)
    return {
      outcomes: (await read('ledger.outcomes')).map((value) => outcomeCodec.decode(value)),
      letters: (await read('ledger.dead-letters')).map((value) => deadLetterCodec.decode(value)),
    }
  }

  const verdicts = ({ outcomes }: Logged): Map<string, string> =>
    new Map(outcomes.map(({ commandId, verdict }) => [commandId, verdict]))
  const accepted = (written: readonly Written[]): Map<string, string> =>
    new Map(written.map(({ commandId }) => [commandId, 'accepted']))

  test('accepts every command that Java’s client publishes with Avro’s own encoder', async () => {
    const before = await logged()
    const written = commands('java', 'avro')
    const folder = await mkdtemp(join(tmpdir(), 'saldo-commands-'))
    const file = join(folder, 'commands.json')
    try {
      await writeFile(file, linesOf(written))
      await publishByJava({ brokers: kafka.broker.address, registry: registry.url, topic, file })
    } finally {
      await rm(folder, { recursive: true })
    }
    const after = await answered(USERS, before)
    expect(after.letters).toEqual([])
    expect(verdicts(after)).toEqual(accepted(written))
  })

  describe(`and Confluent’s client for Python${why}`, () => {
    const publish = (partitioner: string, written: readonly Written[]) =>
      runPython(
        'publish_commands.py',
        [kafka.broker.address, registry.url, topic, partitioner],
        linesOf(written),
      )

    withPython(
      'accepts every command that goes by murmur2, and Python reads the answers',
      async () => {
        const before = await logged()
        const written = commands('python', 'fastavro')
        await publish('murmur2', written)
        const after = await answered(USERS, before)
        expect(after.letters).toEqual([])
        expect(verdicts(after)).toEqual(accepted(written))
        const read = await runPython(
          'read_outcomes.py',
          [
            kafka.broker.address,
            registry.url,
            `${kafka.prefix}ledger.outcomes`,
            String(PARTITIONS),
          ],
          '',
        )
        const seen = read
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as Written)
        expect(seen.map(({ commandId }) => commandId)).toEqual(
          expect.arrayContaining(written.map(({ commandId }) => commandId)),
        )
      },
    )

    withPython(
      'sets aside what its own partitioner puts elsewhere, and loses nothing',
      async () => {
        const before = await logged()
        const written = commands('elsewhere', 'fastavro')
        await publish('consistent_random', written)
        const after = await answered(USERS, before)
        expect(after.outcomes.length + after.letters.length).toBe(USERS)
        expect(after.letters.length).toBeGreaterThan(0)
        expect(new Set(after.letters.map(({ cause }) => cause))).toEqual(
          new Set(['wrong-partition']),
        )
        expect(new Set(verdicts(after).values())).toEqual(new Set(['accepted']))
      },
    )
  })

  test('asks for ids that were registered later: decides what is ours, sets aside what is not', async () => {
    const before = await logged()
    const next = commandRecord(wish(opened, 'next'), PARTITIONS)
    const path = `/subjects/${kafka.prefix}late-value/versions`
    const registered = async (schema: string): Promise<Buffer> => {
      const { body } = await registryHttp({ url: registry.url }).send('POST', path, { schema })
      const value = commandCodec.encode(wish(opened, 'next'))
      value.writeInt32BE((body as { readonly id: number }).id, 1)
      return value
    }
    const newest = JSON.stringify(releasedSchemas('saldo.ledger.v1.LedgerCommand').at(-1)?.schema)
    const marks = '{"type":"string","avro.java.string":"CharSequence"}'
    const ours = await registered(newest.replaceAll('"string"', marks))
    const other = await registered(JSON.stringify({ type: 'enum', name: 'Other', symbols: ['A'] }))
    const nobodys = Buffer.from(other)
    nobodys.writeInt32BE(other.readInt32BE(1) + 1_000_000, 1)
    await raw.producer().append([ours, other, nobodys].map((value) => ({ ...next, value })))
    const after = await answered(3, before)
    const letter = ['unreadable', expect.stringContaining('unknown schema id')]
    expect(after.letters.map(({ cause, detail }) => [cause, detail])).toEqual([letter, letter])
    expect(after.outcomes.map(({ verdict }) => verdict)).toEqual(['accepted'])
  })
}

type Written = { readonly commandId: string; readonly userId: string }
type Logged = {
  readonly outcomes: readonly ReturnType<typeof outcomeCodec.decode>[]
  readonly letters: readonly ReturnType<typeof deadLetterCodec.decode>[]
}
