import { describe, expect, test } from 'vitest'
import { KnownEnds } from '../../topology/log/known-ends.ts'
import { Notifier } from '../../topology/log/notifier.ts'
import { Waiters } from '../../topology/log/waiters.ts'

const never = new AbortController().signal

describe('a known end', () => {
  test('is what an answer said', () => {
    const ends = new KnownEnds()
    ends.asking()('a', 3n)
    expect(ends.of('a')).toBe(3n)
    expect(ends.of('b')).toBeUndefined()
  })

  test('is forgotten when something is announced', () => {
    const ends = new KnownEnds()
    ends.asking()('a', 3n)
    ends.forget('a')
    expect(ends.of('a')).toBeUndefined()
  })

  test('is not taken from an answer that an announcement overtook', () => {
    const ends = new KnownEnds()
    const learn = ends.asking()
    ends.forget('a')
    learn('a', 3n)
    learn('b', 5n)
    expect(ends.of('a')).toBeUndefined()
    expect(ends.of('b')).toBe(5n)
  })

  test('is not taken from an answer that was asked for while announcements were heard that are no more', () => {
    const ends = new KnownEnds()
    const learn = ends.asking()
    ends.clear()
    learn('a', 3n)
    expect(ends.of('a')).toBeUndefined()
  })
})

describe('who waits', () => {
  test('goes on when his place is announced, and nobody else does', async () => {
    const waiters = new Waiters()
    const [one, other] = [waiters.wait('a', 0n, never), waiters.wait('b', 0n, never)]
    waiters.wake('a')
    await one.over
    expect(waiters.isEmpty).toBe(false)
    other.cancel()
    await other.over
    expect(waiters.isEmpty).toBe(true)
  })

  test('is told once that a turn was quiet, at the offset where he waited', async () => {
    const waiters = new Waiters()
    const waiting = waiters.wait('a', 7n, never)
    waiters.endTurn(new Map([['a', 7n]]))
    await waiting.over
    expect(waiters.takeQuiet('a', 6n)).toBe(false)
    expect(waiters.takeQuiet('a', 7n)).toBe(true)
    expect(waiters.takeQuiet('a', 7n)).toBe(false)
  })

  test.each([
    ['something was there when the turn ended', new Map([['a', 8n]])],
    ['nobody said what was there', new Map<string, bigint>()],
  ])('had no quiet turn when %s', async (_, heads) => {
    const waiters = new Waiters()
    const waiting = waiters.wait('a', 7n, never)
    waiters.endTurn(heads)
    await waiting.over
    expect(waiters.takeQuiet('a', 7n)).toBe(false)
  })

  test('had no quiet turn when something is announced before he looks', async () => {
    const waiters = new Waiters()
    const waiting = waiters.wait('a', 7n, never)
    waiters.endTurn(new Map([['a', 7n]]))
    await waiting.over
    waiters.wake('a')
    expect(waiters.takeQuiet('a', 7n)).toBe(false)
  })
})

describe('a notification', () => {
  test('leaves at once, and what is announced while it is on its way goes into the next', async () => {
    const sent: string[] = []
    const first = Promise.withResolvers<void>()
    const notifier = new Notifier((payload) => {
      sent.push(payload)
      return sent.length === 1 ? first.promise : Promise.resolve()
    })
    notifier.announce(['a', 'b'])
    expect(sent).toEqual(['a b'])
    for (const key of ['a', 'c', 'a']) notifier.announce([key])
    expect(sent).toEqual(['a b'])
    const closing = notifier.close()
    first.resolve()
    await closing
    expect(sent).toEqual(['a b', 'a c'])
  })

  test('that does not get through holds up no other', async () => {
    const sent: string[] = []
    const second = Promise.withResolvers<void>()
    const notifier = new Notifier((payload) => {
      sent.push(payload)
      if (sent.length === 2) second.resolve()
      return sent.length === 1 ? Promise.reject(new Error('away')) : Promise.resolve()
    })
    notifier.announce(['a'])
    notifier.announce(['b'])
    await second.promise
    expect(sent).toEqual(['a', 'b'])
    await notifier.close()
  })
})
