import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../connectors/demo/random.ts'
import { deadLetterCodec, outcomeCodec, commandCodec } from '../../schemas/codec.ts'
import { COMMAND_BYTES_MAX, type TopicName } from '../../schemas/topics.ts'
import type { LedgerCommandBody, Outcome } from '../../schemas/types.ts'
import type { Log, NewRecord } from '../../topology/log/log.ts'
import { commandRecord } from '../support/actor-world.ts'
import { CLEAN, engineOn, judged, PARTITIONS } from '../support/damaged-run.ts'
import type { Engine } from '../support/engine.ts'
import { amended, created, opened, preferences, recorded } from '../support/example-commands.ts'
import { describePostgres, withDatabase, type TestDatabase } from '../support/postgres.ts'
import {
  fuzzed,
  oddDays,
  oddIds,
  oddInstants,
  oddTexts,
  recordIn,
  userIn,
  wish,
  wrongSchemaIds,
} from './hostile-records.ts'

const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const FUZZED = Number(process.env['SALDO_HOSTILE_FUZZED'] ?? 2_000)

/** What a partition holds after everything is answered. */
type Answered = { readonly answers: ReadonlyMap<number, readonly string[]>; readonly end: number }

async function answered({ log }: { readonly log: Log }): Promise<readonly Answered[]> {
  const all: Answered[] = []
  for (let partition = 0; partition < log.partitions; partition++) {
    const answers = new Map<number, string[]>()
    const add = (offset: number, what: string): void => {
      answers.set(offset, [...(answers.get(offset) ?? []), what])
    }
    for (const value of await valuesOf(log, 'ledger.outcomes', partition)) {
      const { commandOffset, code, verdict } = outcomeCodec.decode(value)
      add(commandOffset, code ?? verdict)
    }
    for (const value of await valuesOf(log, 'ledger.dead-letters', partition)) {
      const { offset, cause } = deadLetterCodec.decode(value)
      add(offset, cause)
    }
    const end = Number(await log.end({ topic: 'ledger.commands', partition }))
    all.push({ answers, end })
  }
  return all
}

async function valuesOf(log: Log, topic: TopicName, partition: number): Promise<readonly Buffer[]> {
  const place = { topic, partition }
  const values: Buffer[] = []
  const end = await log.end(place)
  for (let position = 0n; position < end;) {
    const { records, next } = await log.read(place, position, { records: 5_000, bytes: 1 << 24 })
    values.push(...records.map(({ value }) => value))
    position = next
  }
  return values
}

/** Every record has exactly one answer, in every partition, and everything stored is the fold of the log. */
async function expectWhole(database: TestDatabase, engine: Engine): Promise<void> {
  for (const { answers, end } of await answered(engine)) {
    const times = Array.from({ length: end }, (_, offset) => answers.get(offset)?.length ?? 0)
    expect(times.every((count) => count === 1)).toBe(true)
    expect(answers.size).toBe(end)
  }
  await engine.stop()
  expect(await judged(database.url)).toMatchObject(CLEAN)
}

/** A good citizen in every partition, whom nothing may keep from an answer. */
const citizens = Array.from({ length: PARTITIONS }, (_, partition) =>
  userIn(partition, PARTITIONS, 'citizen'),
)
const ofCitizens = (bodyOf: (n: number) => LedgerCommandBody): readonly NewRecord[] =>
  citizens.map((userId, n) => commandRecord(wish(userId, bodyOf(n)), PARTITIONS))

async function citizensBought(engine: Engine): Promise<void> {
  const { rows } = await engine.pool.query<{ user_id: string; minor: string }>(
    "SELECT user_id, balance_minor::text AS minor FROM accounts WHERE user_id LIKE 'citizen-%' ORDER BY user_id",
  )
  expect(rows).toEqual(citizens.toSorted().map((user_id) => ({ user_id, minor: '-12550' })))
}

describePostgres('hostile records', (database) => {
  test(`fuzzed bytes in every partition are answered or set aside, and good ones go on (SEED=${seed})`, async () => {
    const random = seededRandom(seed)
    const engine = await engineOn(database.url, { batchRecords: 50 })
    await engine.sendRecords(ofCitizens(() => opened))
    const bodies: readonly LedgerCommandBody[] = [
      opened,
      recorded({}),
      amended({ note: 'x' }),
      created('c-1', 'Pets'),
      preferences({ locale: 'en' }),
    ]
    const records = Array.from({ length: FUZZED }, () => {
      const user = `fuzz-${random.whole(1, 20)}`
      const good = commandRecord(wish(user, random.pick(bodies)), PARTITIONS)
      const partition = random.chance(0.1) ? random.whole(0, PARTITIONS - 1) : good.partition
      return recordIn(partition, user, fuzzed(good.value, random))
    })
    await engine.sendRecords(records)
    await engine.sendRecords(ofCitizens(() => recorded({})))
    await engine.settled()
    await citizensBought(engine)
    await expectWhole(database, engine)
  })
})

describePostgres('hostile commands', (database) => {
  test('wrong schema ids, wrong partitions and oversized records are dead letters, in their place', async () => {
    const engine = await engineOn(database.url)
    const [user = ''] = citizens
    const good = commandRecord(wish(user, opened), PARTITIONS)
    const wrongIds = wrongSchemaIds(good.value).map((value) => ({ ...good, value }))
    const large = (bytes: number): NewRecord => {
      const empty = commandCodec.encode(wish(user, recorded({ rawData: '' }))).length
      return commandRecord(
        wish(user, recorded({ rawData: 'x'.repeat(bytes - empty - 2) })),
        PARTITIONS,
      )
    }
    const records = [
      ...wrongIds,
      { ...good, partition: 1 },
      { ...good, key: Buffer.from('somebody-else') },
      { ...good, key: Buffer.alloc(0) },
      { ...good, key: Buffer.from([0xff, 0x00, 0xfe]) },
      { ...good, value: Buffer.alloc(10 << 20) },
      large(COMMAND_BYTES_MAX + 1),
      good,
      // As large as a command may be: an answer, because the text is longer than a rule allows.
      large(COMMAND_BYTES_MAX),
    ]
    await engine.sendRecords(records)
    await engine.settled()
    const [first, second] = await answered(engine)
    const causes = Array.from({ length: first?.end ?? 0 }, (_, offset) =>
      first?.answers.get(offset),
    )
    expect(causes.flat()).toEqual([
      ...wrongIds.map(() => 'unreadable'),
      'wrong-partition',
      'wrong-partition',
      'wrong-partition',
      'too-large',
      'too-large',
      'accepted',
      'text-too-long',
    ])
    expect([...(second?.answers.values() ?? [])].flat()).toEqual(['wrong-partition'])
    await expectWhole(database, engine)
  })
})

describePostgres('odd texts, ids and dates', (database) => {
  test('have a verdict each, and what was accepted is stored as the log has it', async () => {
    const engine = await engineOn(database.url, { batchRecords: 40 })
    await engine.sendRecords(ofCitizens(() => opened))
    let ids = 0
    const next = (): number => ids++
    const bodies: LedgerCommandBody[] = [
      ...oddTexts.flatMap((text, n): LedgerCommandBody[] => [
        { ...opened, accountId: `odd-${n}`, name: text, bankName: text },
        recorded({ transactionId: `text-${n}`, description: text, merchant: text, note: text }),
        recorded({ transactionId: `mcc-${n}`, mcc: text, rawData: text, currency: text }),
        amended({ transactionId: `text-${n}`, counterparty: text, description: text }),
        created(`odd-${n}`, text),
        preferences({ timeZone: text, locale: text, baseCurrency: text }),
      ]),
      ...oddIds.flatMap((id): LedgerCommandBody[] => [
        { ...opened, accountId: id },
        { type: 'CloseAccount', accountId: id },
        recorded({ transactionId: id }),
        recorded({ transactionId: `t-${next()}`, accountId: id }),
        recorded({ transactionId: `t-${next()}`, categoryId: id }),
        amended({ transactionId: id }),
        { type: 'DeleteTransaction', transactionId: id },
        { type: 'OverrideCategory', transactionId: id, categoryId: id },
        created(id, 'a name'),
      ]),
      ...oddInstants.map((occurredAt) => recorded({ transactionId: `t-${next()}`, occurredAt })),
      ...oddDays.map((bookedOn) => recorded({ transactionId: `t-${next()}`, bookedOn })),
      ...oddDays.map((bookedOn) => amended({ transactionId: 'text-5', bookedOn })),
    ]
    const records = bodies.flatMap((body) =>
      citizens.map((userId) => commandRecord(wish(userId, body), PARTITIONS)),
    )
    await engine.sendRecords(records)
    // Texts around the body: who sent it, when, and under which trace.
    const [user = ''] = citizens
    const around = oddTexts.map((text) => ({ ...wish(user, opened), traceparent: text }))
    const times = oddInstants.map((issuedAt) => ({ ...wish(user, opened), issuedAt }))
    const versions = [-1, 2 ** 52, 0].map((expectedVersion) => ({
      ...wish(user, amended({ note: 'v' })),
      expectedVersion,
    }))
    await engine.send([...around, ...times, ...versions])
    for (const text of oddIds) {
      const { value } = commandRecord(wish(text, opened), PARTITIONS)
      await engine.sendRecords([recordIn(0, text, value)])
      const initiator = { kind: 'user', id: text } as const
      await engine.send([
        { ...wish(user, opened), initiator },
        { ...wish(user, opened), commandId: text },
      ])
    }
    await engine.sendRecords(ofCitizens(() => created('last', 'The last one')))
    await engine.settled()
    const verdicts = (await answered(engine)).map(({ answers, end }) => answers.get(end - 1))
    expect(verdicts).toEqual([['accepted'], ['accepted']])
    await expectWhole(database, engine)
  })
})

describe('crowded ledgers', () => {
  const database = withDatabase('postgres')
  const answersTo = async (engine: Engine, userId: string): Promise<readonly Outcome[]> => {
    const values = await Promise.all(
      citizens.map((_, partition) => valuesOf(engine.log, 'ledger.outcomes', partition)),
    )
    return values
      .flat()
      .map((value) => outcomeCodec.decode(value))
      .filter((outcome) => outcome.userId === userId)
  }

  test('10,000 commands of one user in one batch are answered in order, once each', async () => {
    const COUNT = 10_000
    const engine = await engineOn(database.url, { batchRecords: COUNT + 1, batchBytes: 1 << 26 })
    const user = userIn(0, PARTITIONS, 'crowd')
    await engine.send([
      wish(user, opened),
      ...Array.from({ length: COUNT }, (_, n) =>
        wish(user, recorded({ transactionId: `t-${n}`, amountMinor: -1n })),
      ),
    ])
    await engine.settled()
    const outcomes = await answersTo(engine, user)
    expect(outcomes.map(({ firstSequence }) => firstSequence)).toEqual(
      Array.from({ length: COUNT + 1 }, (_, n) => n + 1),
    )
    const { rows } = await engine.pool.query<{ minor: string }>(
      'SELECT balance_minor::text AS minor FROM accounts WHERE user_id = $1',
      [user],
    )
    expect(rows).toEqual([{ minor: `-${COUNT}` }])
    await expectWhole(database, engine)
  })

  test('a user with 30 % of all traffic keeps nobody else from an answer', async () => {
    const random = seededRandom(seed)
    const engine = await engineOn(database.url, { batchRecords: 200 })
    const users = ['loud-1', ...Array.from({ length: 200 }, (_, n) => `quiet-${n}`)]
    await engine.send(users.map((user) => wish(user, opened)))
    const wishes = Array.from({ length: 3_000 }, (_, n) => {
      const user = random.chance(0.3) ? 'loud-1' : random.pick(users)
      return wish(user, recorded({ transactionId: `t-${n}`, amountMinor: -1n }))
    })
    await engine.send(wishes)
    await engine.settled()
    const { rows } = await engine.pool.query<{ user_id: string; minor: string }>(
      'SELECT user_id, balance_minor::text AS minor FROM accounts WHERE user_id = ANY($1)',
      [users],
    )
    const bought = Map.groupBy(wishes, ({ userId }) => userId)
    const expected = users.map((user) => [user, -(bought.get(user)?.length ?? 0)] as const)
    expect(new Map(rows.map(({ user_id, minor }) => [user_id, Number(minor)]))).toEqual(
      new Map(expected),
    )
    await expectWhole(database, engine)
  })
})
