/**
 * What a batch of a table reader changed, as one notification of PostgreSQL.
 *
 * Users are named by 36 bits of a hash: whoever may listen learns nothing about anybody, and two users who share a mark
 * cost one of them a read. A batch of 1,000 users fits; of a larger one it is said that anybody may have changed.
 */
import { hash } from 'node:crypto'
import type { TableBatch } from './table-store.ts'

export const CHANGE_CHANNEL = 'saldo_tables'

/** Bytes; PostgreSQL takes less than 8,000. */
const PAYLOAD_MAX = 7_900
const MARK_LENGTH = 6
const EVERYBODY = '*'
const TABLE_CONSUMERS = 'tables:'
export const OUTCOME_CONSUMER = 'tables:command-outcomes'

/** The topic that a table is made from. */
export type ChangeSource = 'events' | 'outcomes'

export type TableChange = {
  readonly source: ChangeSource
  readonly partition: number
  /** Offsets: what the batch folded. */
  readonly from: bigint
  readonly to: bigint
  /** The tables that changed, by the mark of a user; or for anybody. */
  readonly users: ReadonlyMap<string, readonly string[]> | 'everybody'
}

export function userMark(userId: string): string {
  return hash('sha256', userId, 'base64url').slice(0, MARK_LENGTH)
}

/** Undefined for a batch that changed no rows, or rows that nobody sees yet: those of a rebuild. */
export function changeText({ partition, moves, writes }: TableBatch): string | undefined {
  const groups = usersByTables(writes)
  const first = moves[0]
  if (groups.size === 0 || first?.consumer.startsWith(TABLE_CONSUMERS) !== true) return undefined
  const from = moves.reduce((least, move) => (move.from < least ? move.from : least), first.from)
  const to = moves.reduce((most, move) => (move.to > most ? move.to : most), first.to)
  const source: ChangeSource = first.consumer === OUTCOME_CONSUMER ? 'outcomes' : 'events'
  const head = [source, partition, from, to].join(' ')
  const named = [...groups].map(([tables, users]) => `${tables}:${users.map(userMark).join('')}`)
  const text = [head, ...named].join(' ')
  return text.length <= PAYLOAD_MAX ? text : `${head} ${EVERYBODY}`
}

/** Users of a batch by the tables that they changed in: few groups, because most of them did the same. */
function usersByTables(writes: TableBatch['writes']): ReadonlyMap<string, readonly string[]> {
  const tablesOf = new Map<string, string>()
  for (const { table, rows, fresh = [], added = [], removed = [] } of writes) {
    const seen = new Set<string>()
    for (const row of [...rows, ...fresh, ...added, ...removed]) {
      const userId = row['user_id']
      if (typeof userId !== 'string' || seen.has(userId)) continue
      seen.add(userId)
      const before = tablesOf.get(userId)
      tablesOf.set(userId, before === undefined ? table : `${before},${table}`)
    }
  }
  const groups = new Map<string, string[]>()
  for (const [userId, tables] of tablesOf) {
    const group = groups.get(tables)
    if (group === undefined) groups.set(tables, [userId])
    else group.push(userId)
  }
  return groups
}

/** Undefined for what is not ours, or of another release. */
export function changeOf(text: string): TableChange | undefined {
  const [source, partition = '', from = '', to = '', ...groups] = text.split(' ')
  if (source !== 'events' && source !== 'outcomes') return undefined
  if (![partition, from, to].every((number) => /^\d{1,18}$/.test(number))) return undefined
  const place = {
    source,
    partition: Number(partition),
    from: BigInt(from),
    to: BigInt(to),
  } as const
  if (groups[0] === EVERYBODY) return { ...place, users: 'everybody' }
  const users = new Map<string, readonly string[]>()
  for (const group of groups) {
    const [tables = '', marks = ''] = group.split(':')
    for (let at = 0; at < marks.length; at += MARK_LENGTH) {
      const mark = marks.slice(at, at + MARK_LENGTH)
      users.set(mark, [...(users.get(mark) ?? []), ...tables.split(',')])
    }
  }
  return { ...place, users }
}
