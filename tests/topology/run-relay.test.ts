import { beforeEach, describe, expect, test } from 'vitest'
import { budgetExceededCodec } from '../../schemas/codec.ts'
import { SaldoError } from '../../schemas/errors.ts'
import type { OutboxRow } from '../../sink/outbox-store.ts'
import { memoryLog, type LogFault, type MemoryLog } from '../../topology/log/memory-log.ts'
import type { Log } from '../../topology/log/log.ts'
import { runRelay, type RelayDeps } from '../../topology/run-relay.ts'
import { codeOf } from '../contracts/log-records.ts'
import { memoryOutbox, type MemoryOutbox } from '../support/memory-outbox.ts'
import { outboxRow } from '../support/outbox-rows.ts'

const HOUR_MS = 3_600_000
let log: MemoryLog
let outbox: MemoryOutbox

beforeEach(() => {
  log = memoryLog({ partitions: 1, seed: 11, now: () => 0 })
  outbox = memoryOutbox()
})

function fill(...rows: readonly OutboxRow[]): void {
  for (const row of rows)
    outbox.rows.push({ ...row, partition: 0, processed: false, lastError: null })
}

/** Numbers of the rows that are in the topic, with their user, as they come. */
const told = (): string[] =>
  log.committed({ topic: 'budgets.exceeded', partition: 0 }).map(({ key, value }) => {
    const { userId, occurredAt } = budgetExceededCodec.decode(value)
    expect(key.toString()).toBe(userId)
    return `${userId} ${occurredAt}`
  })

type Heard = { readonly failed: string[]; readonly waiting: number[]; relayed: number }

/** Runs until it has paused so often, each pause for an hour unless told. */
async function run(
  pauses: number,
  changes: Partial<RelayDeps> = {},
  pauseMs = HOUR_MS,
): Promise<Heard> {
  const stop = new AbortController()
  const heard: Heard = { failed: [], waiting: [], relayed: 0 }
  let now = 0
  let paused = 0
  await runRelay(
    0,
    {
      log,
      store: outbox,
      now: () => now,
      pause: () => {
        now += pauseMs
        if (++paused >= pauses) stop.abort()
        return Promise.resolve()
      },
      observe: {
        relayed: (_, records) => (heard.relayed += records.length),
        failed: (_, { sourceOffset }, error) => heard.failed.push(`${sourceOffset} ${error}`),
        waiting: (_, { rows }) => heard.waiting.push(rows),
      },
      ...changes,
    },
    stop.signal,
  )
  return heard
}

/** A log whose n-th append has a fault. */
const faulty = (at: number, fault: LogFault): Log => {
  let appends = 0
  return log.reopen({ fault: (step) => (step === 'append' && ++appends === at ? fault : 'none') })
}

describe('the relay of a partition', () => {
  test('appends rows in the order of their causes, however they were found, and marks them', async () => {
    const rows = [3, 1, 2].map((n) => outboxRow(n, 'u-1'))
    fill(...rows, outboxRow(2, 'u-2', { processor: 'anomalies' }))
    const heard = await run(1)
    expect(told()).toEqual(['u-1 1', 'u-2 2', 'u-1 2', 'u-1 3'])
    expect(heard).toEqual({ failed: [], waiting: [0], relayed: 4 })
    expect(outbox.rows.every(({ processed }) => processed)).toBe(true)
    await run(2)
    expect(told()).toHaveLength(4)
  })

  test('takes many rows in several turns, without a pause in between', async () => {
    fill(...Array.from({ length: 450 }, (_, n) => outboxRow(n, `u-${n % 7}`)))
    await run(1)
    expect(told()).toHaveLength(450)
    expect(new Set(told()).size).toBe(450)
  })

  test('leaves other partitions to their relays', async () => {
    fill(outboxRow(1, 'u-1'))
    for (const row of outbox.rows) Object.assign(row, { partition: 1 })
    await run(1)
    expect(told()).toEqual([])
  })
})

describe('a stop', () => {
  test('between the append and the mark gives doubles with the same bytes, and nothing else', async () => {
    fill(outboxRow(1, 'u-1'), outboxRow(2, 'u-2'), outboxRow(3, 'u-1'))
    const dying = outbox.reopen()
    const store = {
      ...dying,
      processed: () =>
        Promise.reject(new SaldoError('SALDO_DATABASE_UNAVAILABLE', 'gone', { retryable: true })),
      failed: () => Promise.reject(new Error('gone as well')),
    }
    expect(await codeOf(run(1, { store }))).toBe('SALDO_DATABASE_UNAVAILABLE')
    await run(1)
    const once = ['u-1 1', 'u-2 2', 'u-1 3']
    expect(told()).toEqual([...once, ...once])
    const values = log.committed({ topic: 'budgets.exceeded', partition: 0 })
    expect(new Set(values.map(({ value }) => value.toString('hex'))).size).toBe(3)
  })

  test('before the append loses nothing', async () => {
    fill(outboxRow(1, 'u-1'))
    expect(await codeOf(run(1, { log: faulty(1, 'fail') }))).toBe('SALDO_LOG_UNAVAILABLE')
    expect(outbox.rows[0]).toMatchObject({
      processed: false,
      attempts: 1,
      lastError: expect.stringMatching(/^SALDO_LOG_UNAVAILABLE: /),
    })
    await run(1)
    expect(told()).toEqual(['u-1 1'])
  })

  test('of an older relay that goes on beside the new one changes no order of first tellings', async () => {
    fill(outboxRow(1, 'u-1'), outboxRow(2, 'u-1'))
    const held = Promise.withResolvers<LogFault>()
    const slow = log.reopen({ fault: (step) => (step === 'append' ? held.promise : 'none') })
    const older = run(1, { log: slow, store: outbox.reopen() })
    await Promise.resolve()
    await run(1)
    fill(outboxRow(3, 'u-1'))
    await run(1)
    held.resolve('none')
    await older
    expect([...new Set(told())]).toEqual(['u-1 1', 'u-1 2', 'u-1 3'])
  })
})

describe('a row that cannot be told', () => {
  const poison: readonly (readonly [string, Partial<OutboxRow>, RegExp])[] = [
    [
      'unreadable',
      { payload: Buffer.from('?') },
      /^SALDO_RECORD_UNREADABLE: not a .*BudgetExceeded/,
    ],
    ['of another topic', { topic: 'ledger.events' }, /writes no topic ledger\.events/],
    ['of another event', { eventId: 'e-9' }, /another one than its row says/],
    ['of another user', { payload: outboxRow(1, 'u-9').payload }, /another one than its row says/],
  ]
  test.each(poison)(
    'because it is %s holds its user, nobody else, and says why',
    async (_, changes, why) => {
      fill(outboxRow(1, 'u-1', changes), outboxRow(2, 'u-2'), outboxRow(3, 'u-1'))
      const heard = await run(1)
      expect(told()).toEqual(['u-2 2'])
      expect(heard.failed).toEqual([expect.stringMatching(/^1 /)])
      expect(outbox.rows[0]).toMatchObject({
        processed: false,
        attempts: 1,
        lastError: expect.stringMatching(why),
      })
      expect(outbox.rows[2]).toMatchObject({ processed: false, attempts: 0 })
      expect(heard.waiting).toEqual([2])
    },
  )

  test('is tried again, each time after a longer while, and goes in its place once it can', async () => {
    fill(outboxRow(1, 'u-1', { topic: 'nowhere' }), outboxRow(2, 'u-1'))
    await run(1, {}, 0)
    expect(outbox.rows[0]?.attempts).toBe(1)
    const seconds = 100
    const heard = await run(seconds, {}, 1_000)
    expect(heard.failed.length).toBeGreaterThan(3)
    expect(heard.failed.length).toBeLessThan(8)
    Object.assign(outbox.rows[0] ?? {}, { topic: 'budgets.exceeded' })
    await run(1)
    expect(told()).toEqual(['u-1 1', 'u-1 2'])
  })

  test('because the log refuses it for good is found among the others', async () => {
    const picky: Log = {
      ...log,
      producer() {
        const producer = log.producer()
        return {
          ...producer,
          async append(records) {
            if (records.some(({ key }) => key.toString() === 'u-2'))
              throw new SaldoError('SALDO_RECORD_TOO_LARGE', 'a record is too large')
            await producer.append(records)
          },
        }
      },
    }
    fill(outboxRow(1, 'u-1'), outboxRow(2, 'u-2'), outboxRow(3, 'u-2'), outboxRow(4, 'u-3'))
    const heard = await run(1, { log: picky })
    expect(told()).toEqual(['u-1 1', 'u-3 4'])
    expect(heard.failed).toEqual(['2 SALDO_RECORD_TOO_LARGE: a record is too large'])
    expect(outbox.rows.map(({ processed }) => processed)).toEqual([true, false, false, true])
  })
})
