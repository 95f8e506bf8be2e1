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

export type WakeUps = {
  /** Tells every process, this one at once, that these places have new records. */
  announce(records: readonly NewRecord[]): void
  /** Resolves at the next announcement for the place, at the poll interval, or on abort. */
  next(place: Place, signal: AbortSignal): { readonly arrived: Promise<void>; cancel(): void }
  close(): Promise<void>
}

export async function wakeUps(url: string, role: string): Promise<WakeUps> {
  const waiting = new Map<string, Set<() => void>>()
  const pending = new Set<string>()
  let timer: NodeJS.Timeout | undefined
  let closed = false
  let connection: pg.Client | undefined
  let connecting = false

  const wake = (key: string): void => {
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
    else if (!lost.aborted) connection = client
  }
  await listen()
  // A lost connection costs latency, not records: the poll goes on while it is being replaced.
  const reconnect = setInterval(() => {
    if (connection !== undefined || connecting || closed) return
    connecting = true
    listen()
      .catch(() => undefined)
      .finally(() => {
        connecting = false
      })
  }, 1000)
  reconnect.unref()

  const flush = async (): Promise<void> => {
    const payload = [...pending].join(' ')
    pending.clear()
    await connection?.query('SELECT pg_notify($1, $2)', [CHANNEL, payload]).catch(() => undefined)
    timer = undefined
    if (!closed) flushSoon()
  }
  const flushSoon = (): void => {
    if (pending.size > 0) timer ??= setTimeout(() => void flush(), COALESCE_MS)
  }

  return {
    announce(records) {
      for (const record of records) {
        const key = keyOf(record)
        if (pending.has(key)) continue
        pending.add(key)
        wake(key)
      }
      flushSoon()
    },
    next(place, signal) {
      const key = keyOf(place)
      const { promise, resolve } = Promise.withResolvers<void>()
      const resolvers = waiting.get(key) ?? new Set()
      waiting.set(key, resolvers.add(resolve))
      const poll = setTimeout(resolve, POLL_MS)
      const onAbort = (): void => resolve()
      signal.addEventListener('abort', onAbort)
      if (signal.aborted) resolve()
      const arrived = promise.then(() => {
        clearTimeout(poll)
        resolvers.delete(resolve)
        signal.removeEventListener('abort', onAbort)
      })
      return { arrived, cancel: resolve }
    },
    async close() {
      closed = true
      clearInterval(reconnect)
      clearTimeout(timer)
      await connection?.end().catch(() => undefined)
    },
  }
}

function keyOf({ topic, partition }: Place): string {
  return `${topics[topic].topicId}:${partition}`
}
