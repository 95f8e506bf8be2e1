/** The actor loop on a real broker: what the simulation holds on the memory log, once on Kafka. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { outcomeCodec } from '../../schemas/codec.ts'
import { memoryCheckpointStore } from '../../sink/memory-checkpoint-store.ts'
import { kafkaClient } from '../../topology/log/kafka-cluster.ts'
import { kafkaLog } from '../../topology/log/kafka-log.ts'
import type { Log } from '../../topology/log/log.ts'
import { ACTOR_GROUP, runActors, type ActorDeps } from '../../topology/run-actors.ts'
import { codeOf, place, readAll } from '../contracts/log-records.ts'
import { commandRecord, commandsPlace, remainsIn } from '../support/actor-world.ts'
import { arbitraryCommand, COMMANDS_AT } from '../support/arbitrary-commands.ts'
import { anomaliesOf } from '../support/history-judge.ts'
import { describeKafka } from '../support/kafka.ts'
import { memoryKeys } from '../support/memory-keys.ts'

const COMMANDS = 300
const commands = fc.sample(arbitraryCommand, { seed: 20_260_314, numRuns: COMMANDS })

describeKafka('the actor loop', (kafka) => {
  const store = memoryCheckpointStore()
  const keys = memoryKeys()

  const openLog = (): Promise<Log> =>
    kafkaLog({
      brokers: [kafka.broker.address],
      partitions: 1,
      role: 'test',
      prefix: kafka.prefix,
    })

  /** An owner; `after` is called when it has made so many commits. */
  function own(log: Log, stop: AbortSignal, commits = 0, after = (): void => {}): Promise<void> {
    let made = 0
    const deps: ActorDeps = {
      log,
      store,
      keys,
      sharding: 64,
      limit: { records: 20, bytes: 1_000_000 },
      pace: { everyMs: Infinity, changedStates: 50, changedStatesMax: 1_000 },
      cellsMax: 100,
      now: () => COMMANDS_AT,
      observe: {
        state: () => {},
        committed: () => {
          if (++made === commits) after()
        },
        fault: (_, error) => {
          throw error
        },
      },
    }
    return runActors(0, deps, stop)
  }

  test('gives every command one outcome, also when its owner is replaced in the middle', async () => {
    const [first, second] = await Promise.all([openLog(), openLog()])
    await second.producer().append(commands.map((command) => commandRecord(command)))
    const stop = new AbortController()
    const taken = Promise.withResolvers<void>()
    const replaced = codeOf(own(first, stop.signal, 4, () => taken.resolve()))
    await Promise.race([taken.promise, replaced])
    const owner = own(second, stop.signal)

    const outcomes = place('ledger.outcomes')
    let answered = 0
    for (let position = 0n; answered < COMMANDS;) {
      await Promise.race([second.arrival(outcomes, position, stop.signal), owner])
      const slice = await second.read(outcomes, position, { records: COMMANDS, bytes: 1_000_000 })
      answered += slice.records.length
      position = slice.next
    }
    // Kafka answers a commit that meets a take-over now and then with an error that says nothing, or is busy with it for
    // longer than a commit waits.
    expect(['SALDO_LEASE_FENCED', 'SALDO_COMMIT_IN_DOUBT', 'SALDO_LOG_UNAVAILABLE']).toContain(
      await replaced,
    )
    stop.abort()
    await owner

    const lease = await second.acquire(commandsPlace)
    const remains = await remainsIn(
      { log: second, store, keys },
      {
        commands: await readAll(second, commandsPlace),
        events: await readAll(second, place('ledger.events')),
        outcomes: await readAll(second, outcomes),
        deadLetters: await readAll(second, place('ledger.dead-letters')),
        parked: await readAll(second, place('ledger.parked')),
        groupOffset: lease.committed,
      },
    )
    expect(anomaliesOf(remains)).toEqual([])
    expect(remains.outcomes).toHaveLength(COMMANDS)
    const verdicts = remains.outcomes.map(({ value }) => outcomeCodec.decode(value).verdict)
    expect(verdicts).toContain('accepted')
    await Promise.all([first.close(), second.close()])
  })

  test('stops where the group lost the offset that a checkpoint has seen, or has an older one', async () => {
    const log = await openLog()
    const group = kafka.prefix + ACTOR_GROUP
    const admin = kafkaClient({ brokers: [kafka.broker.address], clientId: 'test' }).admin()
    await admin.connect()
    const { committed } = await log.acquire(commandsPlace)
    expect(committed).toBeGreaterThan(1n)
    const setTo = async (offset: string): Promise<void> => {
      const partitions = [{ partition: 0, offset }]
      await admin.setOffsets({
        groupId: group,
        topic: `${kafka.prefix}ledger.commands`,
        partitions,
      })
    }
    const never = new AbortController().signal

    await admin.deleteGroups([group])
    expect((await log.acquire(commandsPlace)).committed).toBeUndefined()
    expect(await codeOf(own(log, never))).toBe('SALDO_OFFSET_LOST')
    await setTo('1')
    expect(await codeOf(own(log, never))).toBe('SALDO_OFFSET_LOST')
    // What the operator sets right again, by the number in the message, goes on.
    await setTo(String(committed))
    const stop = new AbortController()
    const owner = own(log, stop.signal)
    stop.abort()
    await owner
    await Promise.all([admin.disconnect(), log.close()])
  })
})
