/**
 * Wake-ups between processes: NOTIFY on a connection of its own, after the commit and at most every few milliseconds
 * (inside the commit it cost 3.7 times the throughput). A poll finds what a lost notification does not.
 */
import type pg from 'pg'
import { topics } from '../../schemas/topics.ts'
import { connect } from '../../sink/postgres/connection.ts'
import { KnownEnds } from './known-ends.ts'
import type { NewRecord, Place } from './log.ts'
import { Notifier } from './notifier.ts'
import { Waiters, type Heads, type Waiting } from './waiters.ts'

const CHANNEL = 'saldo_log'
/** What a lost notification costs at most: while something happens, or nobody can be heard, and in a time of rest. */
const POLL_MS = 250
const POLL_AT_REST_MS = 1000
/** Nothing was announced for so long. */
const REST_AFTER_MS = 10_000

export type WakeUps = {
  /** Tells every process, this one at once, that these places have new records. */
  announce(records: readonly NewRecord[]): void
  wait(place: Place, offset: bigint, signal: AbortSignal): Waiting
  /**
   * Call it before the log is asked for an end, and what it returns with the answer: that end is known then, unless
   * something was announced in between.
   */
  asking(): (place: Place, end: bigint) => void
  /** The end as the log told it last, when nothing was announced since: no need to ask. */
  knownEnd(place: Place): bigint | undefined
  /** The end, once after a wait at this offset that a poll ended, while nothing is known to have come. */
  takeQuiet(place: Place, offset: bigint): bigint | undefined
  close(): Promise<void>
}

/** `readHeads` tells the end of every place in one query, by `placeKey`; asked only while somebody waits. */
export async function wakeUps(
  url: string,
  role: string,
  readHeads: () => Promise<Heads>,
): Promise<WakeUps> {
  const waiters = new Waiters()
  const ends = new KnownEnds()
  let closed = false
  let connection: pg.Client | undefined
  let heardAt = performance.now()

  const wake = (key: string): void => {
    heardAt = performance.now()
    ends.forget(key)
    waiters.wake(key)
  }
  const listen = async (): Promise<void> => {
    // A notification holds a lock of the whole server until its commit is on disk, and has nothing that must be there.
    const session = { synchronous_commit: 'off' }
    const { client, lost } = await connect(url, `${role}-wake`, session)
    lost.addEventListener('abort', () => {
      if (connection !== client) return
      connection = undefined
      ends.clear()
    })
    client.on('notification', ({ payload }) => {
      for (const key of (payload ?? '').split(' ')) wake(key)
    })
    await client.query(`LISTEN ${CHANNEL}`)
    if (closed) await client.end()
    else connection = client
  }
  const poll = async (): Promise<void> => {
    // A lost connection costs latency, not records: the poll goes on while it is being replaced.
    if (connection === undefined) listen().catch(() => undefined)
    if (waiters.isEmpty) return ends.clear()
    const learn = ends.asking()
    const heads = await readHeads()
    for (const [key, end] of heads) learn(key, end)
    waiters.endTurn(heads)
  }
  await listen()
  const pollNext = (): NodeJS.Timeout => {
    const isResting = connection !== undefined && performance.now() - heardAt > REST_AFTER_MS
    return setTimeout(pollOnce, isResting ? POLL_AT_REST_MS : POLL_MS).unref()
  }
  const pollOnce = (): void => {
    poll()
      .catch(() => {
        // What cannot be asked is not known: whoever waits asks for himself, and hears what is wrong.
        ends.clear()
        waiters.wakeAll()
      })
      .finally(() => {
        if (!closed) polling = pollNext()
      })
  }
  let polling = pollNext()

  const notifier = new Notifier(async (payload) => {
    await connection?.query('SELECT pg_notify($1, $2)', [CHANNEL, payload])
  })
  return {
    announce(records) {
      const keys = new Set(records.map(placeKey))
      for (const key of keys) wake(key)
      notifier.announce(keys)
    },
    wait: (place, offset, signal) => waiters.wait(placeKey(place), offset, signal),
    asking() {
      const learn = ends.asking()
      return (place, end) => learn(placeKey(place), end)
    },
    knownEnd: (place) => ends.of(placeKey(place)),
    takeQuiet(place, offset) {
      const key = placeKey(place)
      const end = ends.of(key)
      const isQuiet = waiters.takeQuiet(key, offset) && end !== undefined && end <= offset
      return isQuiet ? end : undefined
    },
    async close() {
      closed = true
      clearTimeout(polling)
      await notifier.close()
      await connection?.end().catch(() => undefined)
    },
  }
}

/** A place as one word, for NOTIFY and for maps. */
export function placeKey({ topic, partition }: Place): string {
  return `${topics[topic].topicId}:${partition}`
}
