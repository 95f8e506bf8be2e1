/**
 * Goal: whatever users send, every route answers what a naive model of the ledger says, over HTTP and from the tables.
 * Method: random histories go through the real engine, each as users of its own; the events that the log then holds make
 * the model; and every route is asked, with random filters, and page by page.
 * One engine and one database for all histories. What fails is reported as it is: to shrink a history is to decide
 * hundreds of them.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openEvent } from '../../../privacy/personal.ts'
import { startApi, type RunningApi } from '../../../api/query/server.ts'
import { developmentToken } from '../../../api/token.ts'
import { eventCodec, outcomeCodec } from '../../../schemas/codec.ts'
import type { TopicName } from '../../../schemas/topics.ts'
import type { LedgerCommand } from '../../../schemas/types.ts'
import { arbitraryHistory } from '../../support/arbitrary-commands.ts'
import { startEngine, type Engine } from '../../support/engine.ts'
import { describePostgres } from '../../support/postgres.ts'
import { get, SECRET, type Answer } from './client.ts'
import { apiModel, type ApiModel, type Filter } from './model.ts'

const HISTORIES = 5
const COMMANDS_MAX = 150
const FILTERS = 12

const filter: fc.Arbitrary<Filter> = fc.record(
  {
    account_id: fc.constantFrom('a-1', 'a-2', 'a-4', 'a-9'),
    category: fc.constantFrom('groceries', 'health', 'c-1', 'constructor', 'uncategorized'),
    from_date: fc.constantFrom('1970-01-01', '2025-12-20', '2026-02-01', '2026-03-01'),
    to_date: fc.constantFrom('2026-03-01', '2026-03-14', '2027-12-31'),
  },
  { requiredKeys: [] },
)
const question = fc.record({ filter, limit: fc.integer({ min: 1, max: 7 }) })
const questions = fc.array(question, { minLength: FILTERS, maxLength: FILTERS })

describePostgres('the query API and a naive model', (database) => {
  let engine: Engine
  let api: RunningApi
  beforeAll(async () => {
    engine = await startEngine({ url: database.url, partitions: 2 })
    api = await startApi({ databaseUrl: database.url, jwtSecret: SECRET, port: 0 })
  })
  afterAll(async () => {
    await api.close()
    await engine.stop()
  })

  test('agree about every route, whatever was sent', async () => {
    let run = 0
    const agrees = fc.asyncProperty(
      arbitraryHistory(COMMANDS_MAX),
      questions,
      async (history, asked) => {
        run++
        const commands = history.map((command) => ({
          ...command,
          userId: `${command.userId}-${run}`,
        }))
        await engine.send(commands)
        await engine.settled()
        for (const [userId, own] of Map.groupBy(commands, (command) => command.userId)) {
          const ask = await asker(api.url, userId)
          const model = await modelOf(engine, userId)
          await agreeAboutAccounts(ask, model)
          await agreeAboutSpending(ask, model)
          await agreeAboutCommands(ask, model, own)
          for (const one of asked) await agreeAboutPages(ask, model, one)
        }
      },
    )
    await fc.assert(agrees, { numRuns: HISTORIES, endOnFailure: true })
  })
})

type Ask = (path: string) => Promise<Answer>

async function asker(url: string, userId: string): Promise<Ask> {
  const token = await developmentToken({ userId, secret: SECRET, expiresIn: 600 })
  return (path) => get(`${url}/v1${path}`, { token })
}

async function agreeAboutAccounts(ask: Ask, model: ApiModel): Promise<void> {
  const accounts = model.accounts()
  expect((await ask('/accounts')).body).toMatchObject({ accounts })
  for (const accountId of ['a-1', 'a-2', 'a-3', 'a-4']) {
    const account = model.account(accountId)
    const { status, body } = await ask(`/accounts/${accountId}`)
    expect(status).toBe(account === undefined ? 404 : 200)
    if (account !== undefined) expect(body.account).toMatchObject(account)
  }
}

async function agreeAboutSpending(ask: Ask, model: ApiModel): Promise<void> {
  for (const [from, to] of [
    ['2026-03', '2026-03'],
    ['2025-12', '2026-03'],
    ['2026-01', '2028-12'],
  ] as const) {
    const spending = model.spending(from, to)
    expect((await ask(`/spending?from=${from}&to=${to}`)).body).toMatchObject({ spending })
  }
}

async function agreeAboutCommands(
  ask: Ask,
  model: ApiModel,
  commands: readonly LedgerCommand[],
): Promise<void> {
  for (const { commandId } of commands.filter((_, n) => n % 5 === 0)) {
    expect((await ask(`/commands/${commandId}`)).body.command).toEqual(model.command(commandId))
  }
}

type Question = { readonly filter: Filter; readonly limit: number }

async function agreeAboutPages(ask: Ask, model: ApiModel, { filter: by, limit }: Question) {
  const expected = model.transactions(by)
  const found: object[] = []
  let cursor: string | null = null
  do {
    const query = new URLSearchParams({ ...by, limit: String(limit) })
    if (cursor !== null) query.set('cursor', cursor)
    const { status, body, text } = await ask(`/transactions?${query.toString()}`)
    expect(status, text).toBe(200)
    expect(body.transactions.length).toBeLessThanOrEqual(limit)
    found.push(...body.transactions)
    cursor = body.nextCursor
  } while (cursor !== null)
  expect(found).toMatchObject(expected)
}

/** Of what the log holds of a user now. */
async function modelOf({ log, keys }: Engine, userId: string): Promise<ApiModel> {
  const key = (await keys.existingKeysOf([userId])).get(userId)
  const values = async (topic: TopicName): Promise<readonly Buffer[]> => {
    const found: Buffer[] = []
    for (let partition = 0; partition < log.partitions; partition++) {
      const end = await log.end({ topic, partition })
      for (let position = 0n; position < end;) {
        const limit = { records: 5_000, bytes: 1 << 24 }
        const { records, next } = await log.read({ topic, partition }, position, limit)
        for (const record of records) {
          if (record.key?.toString() === userId) found.push(record.value)
        }
        position = next
      }
    }
    return found
  }
  const events = await values('ledger.events')
  const outcomes = await values('ledger.outcomes')
  return apiModel(
    events.map((value) => openEvent(key, eventCodec.decode(value))),
    outcomes.map((value) => outcomeCodec.decode(value)),
  )
}
