import { describe, expect, test } from 'vitest'
import { streamHub, type Listener, type StreamHub } from '../../../api/query/stream-hub.ts'
import { userMark } from '../../../sink/table-change.ts'

type Heard = Listener & { readonly texts: string[]; state: 'open' | 'dropped' | 'ended' }

function listener(userId: string, isSlow = (): boolean => false): Heard {
  const heard: Heard = {
    userId,
    texts: [],
    state: 'open',
    write(text) {
      heard.texts.push(text)
      return !isSlow()
    },
    drop() {
      heard.state = 'dropped'
    },
    end() {
      heard.state = 'ended'
    },
  }
  return heard
}

/** Users whose name ends in a digit are in that partition; every position is at the same offset. */
function hubAt(offset: { now: number }, limits = { perUser: 3, total: 5 }): StreamHub {
  const feed = {
    partitionOf: (userId: string) => Number(userId.at(-1)),
    position: (partition: number) => `${partition}-${offset.now}-0`,
  }
  return streamHub(feed, limits)
}
const change = (tables: readonly string[], ...users: readonly string[]) => ({
  partition: 1,
  users: new Map(users.map((user) => [userMark(user), tables])),
})
const data = ({ texts }: Heard): readonly unknown[] =>
  texts.flatMap((text) =>
    [...text.matchAll(/^event: (\w+)\ndata: (.*)$/gm)].map(([, event, json = '']) => [
      event,
      JSON.parse(json) as unknown,
    ]),
  )

describe('a stream', () => {
  test('begins with its place, and tells what changed for its user only', () => {
    const offset = { now: 7 }
    const hub = hubAt(offset)
    const [ana, ben] = [listener('ana-1'), listener('ben-1')]
    hub.open(ana, undefined)
    hub.open(ben, undefined)
    offset.now = 8
    hub.changed(change(['daily_aggregates', 'daily_income', 'accounts'], 'ana-1', 'cleo-1'))
    expect(ana.texts).toEqual([
      'retry: 2000\nid: 1-7-0\nevent: ready\ndata: {}\n\n',
      'id: 1-8-0\nevent: changed\ndata: {"changed":["accounts","analytics","categories"]}\n\n',
    ])
    expect(data(ben)).toEqual([['ready', {}]])
  })

  // Both answers were made of tables whose change told of another answer only.
  test.for([
    ['daily_aggregates', 'categories'],
    ['daily_income', 'categories'],
    ['transactions', 'analytics'],
  ] as const)('tells of every answer that %s are read for: %s too', ([table, name]) => {
    const hub = hubAt({ now: 7 })
    const ana = listener('ana-1')
    hub.open(ana, undefined)
    hub.changed(change([table], 'ana-1'))
    const told = { changed: expect.arrayContaining([name]) as unknown }
    expect(data(ana)).toEqual([
      ['ready', {}],
      ['changed', told],
    ])
  })

  test.for([
    ['1-6-0', true],
    ['1-8-0', true],
    ['nonsense', true],
    ['', true],
    ['1-7-0', false],
    [undefined, false],
  ] as const)('that comes back after %s is told to read again: %s', ([lastEventId, isTold]) => {
    const ana = listener('ana-1')
    hubAt({ now: 7 }).open(ana, lastEventId)
    const everything = expect.arrayContaining(['accounts', 'budgets', 'commands', 'transactions'])
    expect(data(ana).slice(1)).toEqual(isTold ? [['changed', { changed: everything }]] : [])
  })

  test('after a gap tells everybody of that partition, and nobody else', () => {
    const hub = hubAt({ now: 7 })
    const [ana, ben] = [listener('ana-1'), listener('ben-2')]
    hub.open(ana, undefined)
    hub.open(ben, undefined)
    hub.changed({ partition: 1, users: 'everybody' })
    expect(data(ana)).toHaveLength(2)
    expect(data(ben)).toHaveLength(1)
  })

  test('moves its place on without an event while nothing happens to its user', () => {
    const offset = { now: 7 }
    const hub = hubAt(offset)
    const ana = listener('ana-1')
    hub.open(ana, undefined)
    offset.now = 9
    hub.heartbeat()
    expect(ana.texts.at(-1)).toBe(': still here\nid: 1-9-0\n\n')
  })

  test('of a client that does not read is dropped, and nothing is kept for it', () => {
    const hub = hubAt({ now: 7 })
    let isSlow = false
    const [slow, ana] = [listener('ana-1', () => isSlow), listener('ana-1')]
    hub.open(slow, undefined)
    hub.open(ana, undefined)
    isSlow = true
    hub.changed(change(['accounts'], 'ana-1'))
    hub.changed(change(['accounts'], 'ana-1'))
    expect(slow.state).toBe('dropped')
    expect(slow.texts).toHaveLength(2)
    expect(ana.texts).toHaveLength(3)
    expect(hub.size).toBe(1)
  })

  test('is refused to a user who has too many, and when there are too many in all', () => {
    const hub = hubAt({ now: 7 })
    const refused = (userId: string): unknown => {
      try {
        hub.admit(userId)
        return undefined
      } catch (error) {
        return error
      }
    }
    const problem = { details: { status: 429, code: 'too-many-streams' } }
    const leave = [1, 2, 3].map(() => hub.open(listener('ana-1'), undefined))
    expect(refused('ana-1')).toMatchObject(problem)
    expect(refused('ben-1')).toBeUndefined()
    hub.open(listener('ben-1'), undefined)
    hub.open(listener('ben-1'), undefined)
    expect(refused('cleo-1')).toMatchObject(problem)
    leave[0]?.()
    leave[0]?.()
    expect(hub.size).toBe(4)
    expect(refused('ana-1')).toBeUndefined()
  })

  test('ends when the server drains, and none is opened any more', () => {
    const hub = hubAt({ now: 7 })
    const ana = listener('ana-1')
    hub.open(ana, undefined)
    hub.close()
    expect(data(ana).at(-1)).toEqual(['end', { code: 'shutting-down' }])
    expect(ana.state).toBe('ended')
    expect(hub.size).toBe(0)
    expect(() => hub.admit('ana-1')).toThrow(/shutting down/)
  })
})
