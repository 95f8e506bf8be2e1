/**
 * Goal: whatever users send, every route answers what a naive model of the ledger says, over HTTP and from the tables,
 * and the stream tells whom it concerns.
 * Method: random histories go through the real engine, each as users of its own; the events that the log then holds make
 * the model; and every route is asked what the model finds worth asking. Answers are compared whole.
 * One engine and one database for all histories. What fails is reported as it is: to shrink a history is to decide
 * hundreds of them.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startApi, type RunningApi } from '../../../api/query/server.ts'
import { developmentToken } from '../../../api/token.ts'
import type { LedgerCommand, LedgerCommandBody } from '../../../schemas/types.ts'
import { arbitraryHistory } from '../../support/arbitrary-commands.ts'
import { created } from '../../support/example-commands.ts'
import { startEngine, type Engine } from '../../support/engine.ts'
import { describePostgres } from '../../support/postgres.ts'
import { commandOf } from '../../support/specification.ts'
import { get, SECRET, type Answer } from './client.ts'
import type { Ledger, Question, RouteModel } from './model/ledger.ts'
import { ledgerOf } from './model/read-ledger.ts'
import { reachedBy, wantedReach } from './model/reached.ts'
import { arbitraryChanges, arbitraryHousehold } from './model/household.ts'
import { listening, positionIn } from './model/listening.ts'
import { routeModels } from './model/routes.ts'
import { answersTo, changedBetween } from './model/told.ts'

const HISTORIES = { postgres: 3, timescale: 1 } as const
const COMMANDS_MAX = 120
/** For each route, asked of the model again after every command. */
const QUESTIONS_WHILE_LIVE = 4

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
    const reached = new Set<string>()
    let run = 0
    const agrees = fc.asyncProperty(
      arbitraryHousehold,
      arbitraryHistory(COMMANDS_MAX),
      fc.gen(),
      async (household, strangers, draw) => {
        run++
        const users = [`ana-${run}`, `ben-${run}`] as const
        await engine.send([...sentBy(users[0], household), ...mixedUp(users, strangers)])
        await engine.settled()
        for (const userId of users) {
          const ledger = await ledgerOf(engine, userId)
          for (const what of reachedBy(ledger.events)) reached.add(what)
          const ask = await asker(api.url, userId)
          for (const [path, model] of Object.entries(routeModels)) {
            const questions = draw(() => fc.tuple(...model.questions(ledger)))
            for (const question of questions) await agree(ask, { path, model, ledger, question })
          }
        }
      },
    )
    await fc.assert(agrees, { numRuns: HISTORIES[database.kind], endOnFailure: true })
    expect([...reached].toSorted()).toEqual(wantedReach.toSorted())
  })

  test('the stream tells a user what to read again after each command, and nobody else', async () => {
    const [ana, ben] = ['ana-live', 'ben-live'] as const
    const tells = fc.asyncProperty(
      arbitraryHousehold,
      arbitraryChanges,
      fc.gen(),
      async (household, changes, draw) => {
        await engine.send([ana, ben].flatMap((userId) => sentBy(userId, household)))
        await engine.settled()
        const ledger = await ledgerOf(engine, ana)
        const asked = Object.entries(routeModels).flatMap(([path, model]) =>
          draw(() => fc.tuple(...model.questions(ledger).slice(0, QUESTIONS_WHILE_LIVE))).map(
            (question) => ({ path, question }),
          ),
        )
        let before = answersTo(asked, ledger)
        const [told, others] = await Promise.all([listening(api.url, ana), listening(api.url, ben)])
        try {
          for (const command of sentBy(ana, changes, household.length)) {
            await engine.send([command])
            await engine.settled()
            const after = answersTo(asked, await ledgerOf(engine, ana))
            const changed = changedBetween(before, after, asked)
            const isTold = await told.until(await positionIn(engine, ana))
            expect([...isTold], command.body.type).toEqual(expect.arrayContaining([...changed]))
            before = after
          }
          await engine.send(sentBy(ben, [created('c-2', 'Boats')], household.length))
          await engine.settled()
          const isTold = await others.until(await positionIn(engine, ben))
          expect([...isTold].toSorted()).toEqual(['categories', 'commands', 'events'])
        } finally {
          await Promise.all([told.close(), others.close()])
        }
      },
    )
    await fc.assert(tells, { numRuns: 1, endOnFailure: true })
  })
})

function sentBy(userId: string, bodies: readonly LedgerCommandBody[], from = 0) {
  return bodies.map((body, n) => ({ ...commandOf({ body }, from + n), userId }))
}

/** The commands of many as those of two. */
function mixedUp([ana, ben]: readonly [string, string], commands: readonly LedgerCommand[]) {
  return commands.map((command) => {
    return { ...command, userId: command.userId === 'user-1' ? ana : ben }
  })
}

type Ask = (path: string) => Promise<Answer>

async function asker(url: string, userId: string): Promise<Ask> {
  const token = await developmentToken({ userId, secret: SECRET, expiresIn: 600 })
  return (path) => get(`${url}${path}`, { token })
}

type Asked = {
  readonly path: string
  readonly model: RouteModel
  readonly ledger: Ledger
  readonly question: Question
}

/** About the answer, and where it goes on under a cursor about all that follow: those are the pages of their number. */
async function agree(ask: Ask, { path, model, ledger, question }: Asked): Promise<void> {
  const { query = {} } = question
  let cursor: string | null = null
  for (let page = 1; page === 1 || cursor !== null; page++) {
    const url = urlOf(path, question, cursor)
    const { status, body, text } = await ask(url)
    const asked = cursor === null ? question : { ...question, query: { ...query, page: `${page}` } }
    const expected = model.answer(ledger, asked)
    expect(status, `${url} ${text}`).toBe(expected === undefined ? 404 : 200)
    if (expected === undefined) return
    cursor = body.nextCursor ?? null
    const followed = cursor === null ? {} : { nextCursor: 'there is more' }
    const fresh = { asOf: expect.any(String) as string, offset: expect.any(String) as string }
    expect({ ...body, ...followed }, url).toEqual({ ...expected, ...fresh })
    if (query['page'] !== undefined) return
  }
}

function urlOf(template: string, { path = {}, query = {} }: Question, cursor: string | null) {
  const url = template.replaceAll(/\{(\w+)\}/g, (_, name: string) => path[name] ?? '')
  const asked = new URLSearchParams(cursor === null ? query : { ...query, cursor }).toString()
  return asked === '' ? url : `${url}?${asked}`
}
