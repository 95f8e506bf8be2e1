/**
 * Tells one process what changes in the tables, on one connection however many listen to it.
 *
 * Invariant: whoever heard every change up to a position missed nothing before it. A notification can be lost, with the
 * process that should have sent it or with this connection: the offsets of the next one, or a look at the progress
 * rows, then show a gap, which is told as a change of everybody in the partition.
 */
import { partitionOf } from '../schemas/partition.ts'
import { connect, type Connection } from './postgres/connection.ts'
import { READER_SESSION } from './queries-connection.ts'
import {
  CHANGE_CHANNEL,
  changeOf,
  OUTCOME_CONSUMER,
  type ChangeSource,
  type TableChange,
} from './table-change.ts'

export type Change = Pick<TableChange, 'partition' | 'users'>

export type ChangeFeed = {
  /** Listens, and knows how far the tables are. Rejects when the database is away. */
  ready(): Promise<void>
  partitionOf(userId: string): number
  /** How far the tables of a partition are, as a word: equal when nothing happened in between. */
  position(partition: number): string
  close(): Promise<void>
}

type Progress = {
  readonly partition: number
  readonly source: ChangeSource
  readonly offset: bigint
}

const POLL_MS = 2_000

const PROGRESS = `
  SELECT partition, CASE consumer WHEN '${OUTCOME_CONSUMER}' THEN 'outcomes' ELSE 'events' END AS source,
         max(next_offset) AS offset
    FROM progress WHERE consumer LIKE 'tables:%' GROUP BY 1, 2`

export function openChangeFeed(
  databaseUrl: string,
  onChange: (change: Change) => void,
  pollMs: number = POLL_MS,
): ChangeFeed {
  let listening: Promise<Connection> | undefined
  let closed = false
  let partitions = 1
  const offsets = new Map<string, bigint>()
  /** What was known when a look found something else: its notification may have been on its way. */
  const doubts = new Map<string, bigint>()
  const offsetOf = (partition: number, source: ChangeSource): bigint =>
    offsets.get(keyOf(partition, source)) ?? 0n

  const heard = ({ source, partition, from, to, users }: TableChange): void => {
    const before = offsetOf(partition, source)
    partitions = Math.max(partitions, partition + 1)
    if (to > before) offsets.set(keyOf(partition, source), to)
    onChange({ partition, users: from > before ? 'everybody' : users })
  }

  const look = async ({ client }: Connection, isFirst: boolean): Promise<void> => {
    const { rows } = await client.query<Progress>(PROGRESS)
    for (const { partition, source, offset } of rows) {
      partitions = Math.max(partitions, partition + 1)
      const key = keyOf(partition, source)
      const before = offsetOf(partition, source)
      // Two looks that find the same difference: what should have told of it was lost.
      const isLost = doubts.get(key) === before
      doubts.delete(key)
      if (offset === before) continue
      if (isFirst || isLost) {
        offsets.set(key, offset)
        onChange({ partition, users: 'everybody' })
      } else {
        doubts.set(key, before)
      }
    }
  }

  const listen = async (): Promise<Connection> => {
    const connection = await connect(databaseUrl, 'api-listen', READER_SESSION)
    try {
      const { client, lost } = connection
      client.on('notification', ({ payload = '' }) => {
        const change = changeOf(payload)
        if (change !== undefined) heard(change)
      })
      // First the ear, then the look: what happens in between is heard twice, not missed.
      await client.query(`LISTEN ${CHANGE_CHANNEL}`)
      await look(connection, true)
      lost.addEventListener('abort', () => {
        listening = undefined
      })
      if (lost.aborted) throw new Error('the connection was lost at its start')
      return connection
    } catch (error) {
      await connection.client.end().catch(() => undefined)
      throw error
    }
  }
  const connected = (): Promise<Connection> => {
    if (closed) return Promise.reject(new Error('the feed is closed'))
    if (listening !== undefined) return listening
    const attempt = listen()
    listening = attempt
    attempt.catch(() => {
      if (listening === attempt) listening = undefined
    })
    return attempt
  }

  let looking: Promise<void> | undefined
  const lookAgain = async (): Promise<void> => {
    const isNew = listening === undefined
    const connection = await connected()
    if (!isNew) await look(connection, false)
  }
  let timer: NodeJS.Timeout | undefined
  const keepLooking = (): void => {
    timer ??= setInterval(() => {
      // A database that is away is asked again at the next turn.
      looking ??= lookAgain()
        .catch(() => undefined)
        .finally(() => {
          looking = undefined
        })
    }, pollMs)
    timer.unref()
  }
  return {
    async ready() {
      await connected()
      keepLooking()
    },
    partitionOf: (userId) => partitionOf(Buffer.from(userId), partitions),
    position: (partition) =>
      `${partition}-${offsetOf(partition, 'events')}-${offsetOf(partition, 'outcomes')}`,
    async close() {
      closed = true
      clearInterval(timer)
      await looking
      await listening?.then(({ client }) => client.end()).catch(() => undefined)
    },
  }
}

function keyOf(partition: number, source: ChangeSource): string {
  return `${source} ${partition}`
}
