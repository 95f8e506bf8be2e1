/**
 * Wake-ups between processes: NOTIFY on a connection of its own, after the commit and at most every few milliseconds
 * (inside the commit it cost 3.7 times the throughput). A poll finds what a lost notification does not.
 */
import type pg from 'pg'
import { topics } from '../../schemas/topics.ts'
import { connect } from '../../sink/postgres/connection.ts'
import type { NewRecord, Place } from './log.ts'

const CHANNEL = 'saldo_log'
const COALESCE_MS = 3
const POLL_MS = 250

export type Heads = ReadonlyMap<string, bigint>

export type WakeUps = {
  /** Tells every process, this one at once, that these places have new records. */
  announce(records: readonly NewRecord[]): void
  /** Resolves at the next announcement for the place, at the poll interval, or on abort. */
  next(place: Place, signal: AbortSignal): { readonly arrived: Promise<void>; cancel(): void }
  /** Nothing was at this offset when the poll last looked, and nothing was announced since: no need to ask. */
  isQuiet(place: Place, offset: bigint): boolean
  close(): Promise<void>
}

/** `readHeads` tells the end of every place in one query, by `placeKey`; asked only while somebody waits. */
export async function wakeUps(
  url: string,
  role: string,
  readHeads: () => Promise<Heads>,
): Promise<WakeUps> {
  const waiting = new Map<string, Set<() => void>>()
  const pending = new Set<string>()
  const heads = new Map<string, bigint>()
  /** Announced while a poll is on its way: its answer may be older. */
  const fresh = new Set<string>()
  let timer: NodeJS.Timeout | undefined
  let closed = false
  let connection: pg.Client | undefined

  const wake = (key: string): void => {
    heads.delete(key)
    fresh.add(key)
    for (const resolve of waiting.get(key) ?? []) resolve()
  }
  const listen = async (): Promise<void> => {
    const { client, lost } = await connect(url, `${role}-wake`)
    lost.addEventListener('abort', () => {
      if (connection === client) connection = undefined
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
    if (!waiting.values().some((resolvers) => resolvers.size > 0)) return heads.clear()
    fresh.clear()
    for (const [key, head] of await readHeads()) {
      const grown = heads.get(key) !== undefined && heads.get(key) !== head
      if (!fresh.has(key)) heads.set(key, head)
      if (grown) for (const resolve of waiting.get(key) ?? []) resolve()
    }
  }
  await listen()
  let asking = false
  const polling = setInterval(() => {
    if (asking) return
    asking = true
    poll()
      // What cannot be asked is not known.
      .catch(() => heads.clear())
      .finally(() => {
        asking = false
      })
  }, POLL_MS)
  polling.unref()

  let notifying = Promise.resolve()
  const flush = (): void => {
    timer = undefined
    const payload = [...pending].join(' ')
    pending.clear()
    notifying = notifying.then(async () => {
      await connection?.query('SELECT pg_notify($1, $2)', [CHANNEL, payload]).catch(() => undefined)
    })
  }

  return {
    announce(records) {
      for (const record of records) {
        const key = placeKey(record)
        if (pending.has(key)) continue
        pending.add(key)
        wake(key)
      }
      timer ??= setTimeout(flush, COALESCE_MS)
    },
    next(place, signal) {
      const key = placeKey(place)
      const { promise, resolve } = Promise.withResolvers<void>()
      const resolvers = waiting.get(key) ?? new Set()
      waiting.set(key, resolvers.add(resolve))
      const turn = setTimeout(resolve, POLL_MS)
      const onAbort = (): void => resolve()
      signal.addEventListener('abort', onAbort)
      if (signal.aborted) resolve()
      const arrived = promise.then(() => {
        clearTimeout(turn)
        resolvers.delete(resolve)
        signal.removeEventListener('abort', onAbort)
      })
      return { arrived, cancel: resolve }
    },
    isQuiet(place, offset) {
      const head = heads.get(placeKey(place))
      return head !== undefined && head <= offset
    },
    async close() {
      closed = true
      clearInterval(polling)
      clearTimeout(timer)
      await connection?.end().catch(() => undefined)
    },
  }
}

/** A place as one word, for NOTIFY and for maps. */
export function placeKey({ topic, partition }: Place): string {
  return `${topics[topic].topicId}:${partition}`
}
