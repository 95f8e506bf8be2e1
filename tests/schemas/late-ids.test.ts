import { describe, expect, test } from 'vitest'
import { lateIds, type LateIds } from '../../schemas/late-ids.ts'
import { releasedSchemas, type ReleasedSchema } from '../../schemas/released-schemas.ts'
import { stubRegistry } from '../support/stub-registry.ts'

const versions = releasedSchemas('saldo.ledger.v1.LedgerCommand')
const newest = versions.at(-1) as ReleasedSchema
const OURS = JSON.stringify(newest.schema)
const OF_JAVA = OURS.replaceAll('"string"', '{"type":"string","avro.java.string":"String"}')

type Answer = { readonly status: number; readonly body: object | string } | 'cut'
const having = (schema: string): Answer => ({ status: 200, body: { schema } })
const NOTHING: Answer = { status: 404, body: { error_code: 40_403, message: 'not found' } }

/** Asks a registry that gives these answers, one after the other, the last one for ever; pauses pass at once. */
async function asked(
  answers: readonly Answer[],
  work: (
    ids: LateIds,
    seen: { readonly paths: string[]; readonly pauses: number[]; readonly told: string[] },
    pass: (ms: number) => void,
  ) => Promise<void>,
): Promise<void> {
  const seen = { paths: [] as string[], pauses: [] as number[], told: [] as string[] }
  const stub = await stubRegistry((request, response) => {
    seen.paths.push(request.url ?? '')
    const answer = answers[Math.min(seen.paths.length, answers.length) - 1]
    if (answer === undefined || answer === 'cut') request.socket.destroy()
    else {
      const { status, body } = answer
      response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body))
    }
  })
  let now = 0
  const ids = lateIds(
    { url: stub.url },
    {
      versions,
      onFailed: () => seen.told.push('failed'),
      onAnswered: () => seen.told.push('answered'),
      now: () => now,
      pause: async (ms) => void seen.pauses.push(ms),
    },
  )
  try {
    await work(ids, seen, (ms) => (now += ms))
  } finally {
    ids.close()
    await stub.close()
  }
}

describe('an id that came up late', () => {
  test('has no meaning before the registry was asked, and ours when its schema is ours', () =>
    asked([having(OURS)], async (ids, { paths }) => {
      expect(ids.meaning(7)).toBeUndefined()
      await ids.ask([7])
      expect(ids.meaning(7)).toEqual({ ownId: newest.id })
      await ids.ask([7])
      expect(paths).toEqual(['/schemas/ids/7'])
    }))

  test('is ours with the marks that Java leaves', () =>
    asked([having(OF_JAVA)], async (ids) => {
      await ids.ask([7])
      expect(ids.meaning(7)).toEqual({ ownId: newest.id })
    }))

  test.for([
    ['another schema', '"string"'],
    ['no Avro', 'syntax = "proto3";'],
  ] as const)('is none of ours when it is %s', ([, schema]) =>
    asked([having(schema)], async (ids) => {
      await ids.ask([7])
      expect(ids.meaning(7)).toBe('none')
    }),
  )

  test('is nothing only when the registry says so twice, and is asked for again after a minute', () =>
    asked([NOTHING, NOTHING, having(OURS)], async (ids, { paths, pauses }, pass) => {
      await ids.ask([7])
      expect(ids.meaning(7)).toBe('none')
      expect(paths).toHaveLength(2)
      expect(pauses).toEqual([1000])
      pass(60_000)
      await ids.ask([7])
      expect(ids.meaning(7)).toEqual({ ownId: newest.id })
    }))

  test('is ours when the registry learns of it between two looks', () =>
    asked([NOTHING, having(OURS)], async (ids) => {
      await ids.ask([7])
      expect(ids.meaning(7)).toEqual({ ownId: newest.id })
    }))

  test('waits while the registry is away or says nothing about it, less and less often', () =>
    asked(
      [
        'cut',
        { status: 503, body: {} },
        { status: 401, body: {} },
        { status: 404, body: '404 page not found' },
        { status: 200, body: '<html>' },
        having(OURS),
      ],
      async (ids, { pauses, told }) => {
        await ids.ask([7])
        expect(ids.meaning(7)).toEqual({ ownId: newest.id })
        expect(pauses).toEqual([250, 500, 1000, 2000, 4000])
        expect(told).toEqual([...Array.from({ length: 5 }, () => 'failed'), 'answered'])
      },
    ))

  test('is waited for no longer when the engine ends', () =>
    asked(['cut'], async (ids) => {
      const asking = ids.ask([7])
      ids.close()
      await asking
      expect(ids.meaning(7)).toBeUndefined()
    }))
})
