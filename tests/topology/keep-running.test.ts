import { describe, expect, test } from 'vitest'
import { SaldoError, type ErrorCode } from '../../schemas/errors.ts'
import { keepRunning } from '../../topology/keep-running.ts'

const retryable = new SaldoError('SALDO_LOG_UNAVAILABLE', 'away', { retryable: true })
const bug = new Error('total is not a sum')

type Turn = (progressed: () => void) => void
const fails =
  (error: unknown): Turn =>
  () => {
    throw error
  }
const progressesThenFails =
  (error: unknown): Turn =>
  (progressed) => {
    progressed()
    throw error
  }
const ends: Turn = () => {}

type Ran = {
  readonly result: 'ended' | Error
  readonly turns: number
  readonly pauses: readonly number[]
  readonly reported: readonly unknown[]
}

/** Runs the turns one after the other and stops after the last of them. Nobody waits. */
async function run(...turns: readonly Turn[]): Promise<Ran> {
  const stop = new AbortController()
  const pauses: number[] = []
  const reported: unknown[] = []
  let turn = 0
  const running = keepRunning(
    3,
    async (_stop, progressed) => {
      const one = turns[turn++]
      if (turn >= turns.length) stop.abort()
      one?.(progressed)
    },
    stop.signal,
    (error) => reported.push(error),
    async (ms) => {
      pauses.push(ms)
    },
  )
  const result = await running.then(
    () => 'ended' as const,
    (error: Error) => error,
  )
  return { result, turns: turn, pauses, reported }
}

const times = (count: number, turn: Turn): readonly Turn[] =>
  Array.from({ length: count }, () => turn)

describe('the owner of a partition', () => {
  test('is run again for ever when the world says no, with pauses that grow to two seconds', async () => {
    const { result, turns, pauses, reported } = await run(...times(40, fails(retryable)), ends)
    expect(result).toBe('ended')
    expect(turns).toBe(41)
    expect(pauses.slice(0, 8)).toEqual([50, 100, 200, 400, 800, 1600, 2000, 2000])
    expect(pauses.at(-1)).toBe(2000)
    expect(reported).toEqual(Array.from({ length: 40 }, () => retryable))
  })

  test('is given up after three failures at the same place, with its coordinates and the cause', async () => {
    const { result, turns, reported } = await run(...times(5, fails(bug)))
    expect(turns).toBe(3)
    expect(reported).toEqual([bug, bug, bug])
    expect(result).toMatchObject({
      code: 'SALDO_BATCH_FAILING',
      retryable: false,
      message: 'partition 3 failed 3 times at the same place: total is not a sum',
      cause: bug,
    })
  })

  test('is given up for what is not an Error too', async () => {
    const { result } = await run(...times(4, fails('a text')))
    expect(result).toMatchObject({ code: 'SALDO_BATCH_FAILING' })
    expect(String(result)).toContain('a text')
  })

  test('counts no failure twice that lies behind some progress', async () => {
    const twice = [...times(2, fails(bug)), progressesThenFails(bug)]
    const { result, turns } = await run(...twice, fails(bug), progressesThenFails(bug), ends)
    expect(result).toBe('ended')
    expect(turns).toBe(6)
  })

  test('is given up when it fails three times behind its progress', async () => {
    const { turns, result } = await run(progressesThenFails(bug), ...times(4, fails(bug)))
    expect(turns).toBe(3)
    expect(result).toMatchObject({ code: 'SALDO_BATCH_FAILING' })
  })

  test('does not have its failures forgiven by the world saying no in between', async () => {
    const { turns } = await run(
      fails(bug),
      fails(retryable),
      fails(bug),
      fails(retryable),
      fails(bug),
      ends,
    )
    expect(turns).toBe(5)
  })

  test('pauses briefly again after some progress', async () => {
    const { pauses } = await run(
      ...times(4, fails(retryable)),
      progressesThenFails(retryable),
      fails(retryable),
      ends,
    )
    expect(pauses).toEqual([50, 100, 200, 400, 50, 100])
  })

  const final: readonly ErrorCode[] = [
    'SALDO_OFFSET_LOST',
    'SALDO_LOG_MISMATCH',
    'SALDO_EVENT_UNREADABLE',
    'SALDO_KEY_UNAVAILABLE',
  ]
  test.each(final)('stops at once for %s, which no repetition mends', async (code) => {
    const error = new SaldoError(code, 'no way on')
    const { result, turns, pauses, reported } = await run(fails(error), ends, ends)
    expect(result).toBe(error)
    expect(turns).toBe(1)
    expect(pauses).toEqual([])
    expect(reported).toEqual([error])
  })

  test('is run again when it ends by itself', async () => {
    expect(await run(ends, ends, ends)).toMatchObject({ result: 'ended', turns: 3, reported: [] })
  })

  test('is not begun after the stop', async () => {
    const begun = keepRunning(
      0,
      () => Promise.reject(new Error('it was begun')),
      AbortSignal.abort(),
      () => {},
    )
    expect(await begun).toBeUndefined()
  })

  test('ends a pause with the stop', async () => {
    const stop = new AbortController()
    // The pause has begun when this comes. Without one of the test's own, the real pause would be waited for.
    const report = (): void => queueMicrotask(() => stop.abort())
    const running = keepRunning(0, () => Promise.reject(retryable), stop.signal, report)
    const first = await Promise.race([running.then(() => 'ended'), nextTurn('still pausing')])
    expect(first).toBe('ended')
  })

  test('is told of the stop', async () => {
    const stop = new AbortController()
    const running = keepRunning(
      0,
      (signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => resolve())
          stop.abort()
        }),
      stop.signal,
      () => {},
    )
    expect(await running).toBeUndefined()
  })
})

/** Comes before every timer that is set now. */
function nextTurn(answer: string): Promise<string> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve, answer)))
}
