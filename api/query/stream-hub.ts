/**
 * Who listens to `/v1/stream`, and what they are told.
 *
 * Invariant: the id that a client saw last says how far it heard everything of its user; it is told to read again when
 * it comes back with another one. Nothing is kept for a client that does not read: it is closed, and comes back.
 */
import type { ChangeFeed, Change } from '../../sink/change-feed.ts'
import { userMark } from '../../sink/table-change.ts'
import { HttpProblem } from '../problem.ts'

export type StreamLimits = { readonly perUser: number; readonly total: number }

/** Where a stream is written to. */
export type Listener = {
  readonly userId: string
  /** False when the client is too slow: it gets nothing more. */
  write(text: string): boolean
  /** Closes at once, without what waits to be sent. */
  drop(): void
  /** Closes after what was written. */
  end(): void
}

export type StreamHub = {
  /** Throws a problem 429 when there are too many; before the stream is answered. */
  admit(userId: string): void
  /** `lastEventId` is what the client saw last, in an earlier stream. The result takes the listener away again. */
  open(listener: Listener, lastEventId: string | undefined): () => void
  changed(change: Change): void
  /** To every client: still here, and so far. */
  heartbeat(): void
  /** Ends every stream, and admits nobody any more. */
  close(): void
  readonly size: number
}

const RETRY_AFTER_SECONDS = '10'
/** How long a client waits before it comes back. */
const RETRY_MS = 2_000

/** What to read again, by the table that changed. A table without a line is told by its own name; a view is not told. */
const resources: Readonly<Record<string, readonly string[]>> = {
  // The use of categories is a view of both.
  daily_aggregates: ['analytics', 'categories'],
  daily_income: ['analytics', 'categories'],
  balance_history: ['balances'],
  budget_status: ['budgets'],
  command_outcomes: ['commands'],
  transaction_events: ['transactions'],
  // Spending by merchant is read from them.
  transactions: ['analytics', 'transactions'],
}

/** What a client may have to read again after a gap. */
const everything = [
  'accounts',
  'analytics',
  'balances',
  'budgets',
  'categories',
  'commands',
  'events',
  'transactions',
]

export function streamHub(
  feed: Pick<ChangeFeed, 'partitionOf' | 'position'>,
  limits: StreamLimits,
): StreamHub {
  const byMark = new Map<string, Set<Listener>>()
  let size = 0
  let isClosed = false
  const all = (): readonly Listener[] => [...byMark.values()].flatMap((some) => [...some])
  const idFor = ({ userId }: Listener): string => feed.position(feed.partitionOf(userId))

  const remove = (listener: Listener): void => {
    const mark = userMark(listener.userId)
    const some = byMark.get(mark)
    if (some?.delete(listener) !== true) return
    size -= 1
    if (some.size === 0) byMark.delete(mark)
  }
  const send = (listener: Listener, text: string): void => {
    if (listener.write(text)) return
    remove(listener)
    listener.drop()
  }
  const tell = (listener: Listener, changed: readonly string[]): void =>
    send(listener, eventText('changed', idFor(listener), { changed }))

  return {
    admit(userId) {
      if (isClosed) throw closing()
      const own = [...(byMark.get(userMark(userId)) ?? [])].filter((one) => one.userId === userId)
      if (own.length >= limits.perUser) {
        throw tooMany(`you have ${own.length} streams open: close one of them`)
      }
      if (size >= limits.total) throw tooMany('this server has as many streams as it takes')
    },
    open(listener, lastEventId) {
      const mark = userMark(listener.userId)
      byMark.set(mark, (byMark.get(mark) ?? new Set()).add(listener))
      size += 1
      const id = idFor(listener)
      send(listener, `retry: ${RETRY_MS}\n${eventText('ready', id, {})}`)
      if (lastEventId !== undefined && lastEventId !== id) tell(listener, everything)
      return () => remove(listener)
    },
    changed({ partition, users }) {
      if (users === 'everybody') {
        for (const listener of all()) {
          if (feed.partitionOf(listener.userId) === partition) tell(listener, everything)
        }
        return
      }
      for (const [mark, tables] of users) {
        const listeners = byMark.get(mark)
        if (listeners === undefined) continue
        const names = tables.flatMap((table) => resources[table] ?? [table])
        const changed = [...new Set(names)].toSorted()
        for (const listener of listeners) tell(listener, changed)
      }
    },
    heartbeat() {
      // An id without data is no event, and still the place that a client comes back with.
      for (const listener of all()) send(listener, `: still here\nid: ${idFor(listener)}\n\n`)
    },
    close() {
      isClosed = true
      for (const listener of all()) {
        remove(listener)
        listener.write(endText('shutting-down'))
        listener.end()
      }
    },
    get size() {
      return size
    },
  }
}

export function endText(code: 'token-expired' | 'shutting-down'): string {
  return `event: end\ndata: ${JSON.stringify({ code })}\n\n`
}

function eventText(event: string, id: string, data: object): string {
  return `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}

function tooMany(detail: string): HttpProblem {
  return new HttpProblem({
    status: 429,
    code: 'too-many-streams',
    detail,
    headers: { 'retry-after': RETRY_AFTER_SECONDS },
  })
}

function closing(): HttpProblem {
  return new HttpProblem({
    status: 503,
    code: 'shutting-down',
    detail: 'the server is shutting down',
    headers: { 'retry-after': RETRY_AFTER_SECONDS },
  })
}
