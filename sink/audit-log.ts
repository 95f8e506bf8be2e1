/**
 * Who looked at whose data: the one thing that the API writes, as the role whose one grant to write it is.
 *
 * Invariant: nobody waits for it, and nothing is dropped in silence. Lines are written in batches, each a transaction,
 * so a crash loses at most what came since the last one (`EVERY_MS`), or, while the database takes no writes, what
 * waits for it (`WAITING_MAX`); what is given up is counted.
 */
import { randomUUID } from 'node:crypto'
import { SaldoError } from '../schemas/errors.ts'
import { asSaldoError, openPool } from './postgres/pool.ts'

const EVERY_MS = 250
const RETRY_MS = 1_000
const BATCH_MAX = 2_000
/** Some seconds of a busy API. */
const WAITING_MAX = 20_000
const STATEMENT_TIMEOUT_MS = 5_000

export type AuditEntry = {
  /** Whose data. */
  readonly userId: string
  /** Who looked: the subject of the token. */
  readonly actor: string
  readonly action: 'view' | 'export' | 'delete' | 'modify'
  /** Ids and patterns of routes; never a text of a user. */
  readonly resource: string
  /** Of HTTP. */
  readonly status: number
  /** Epoch milliseconds. */
  readonly at: number
}

export type AuditLog = {
  /** Returns at once. */
  record(entry: AuditEntry): void
  /** Writes what waits, if the database takes it now. */
  close(): Promise<void>
}

export type AuditObserver = {
  written(entries: number): void
  /** Given up: too many waited, or they were refused. */
  lost(entries: number): void
  /** Tried again as long as there is room for what comes. */
  failed(error: Error): void
}

type Waiting = AuditEntry & { readonly entryId: string }

export function openAuditLog(databaseUrl: string, observe: AuditObserver): AuditLog {
  const session = { role: 'saldo_api', statement_timeout: String(STATEMENT_TIMEOUT_MS) }
  const pool = openPool(databaseUrl, { role: 'audit', max: 1, session })
  let waiting: Waiting[] = []
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> | undefined

  function due(ms: number): void {
    if (timer !== undefined || writing !== undefined || waiting.length === 0) return
    timer = setTimeout(() => {
      timer = undefined
      void write()
    }, ms)
  }
  function write(): Promise<void> {
    writing ??= writeBatch().then((pauseMs) => {
      writing = undefined
      due(pauseMs)
    })
    return writing
  }
  /** Never rejects; milliseconds until the next one. */
  async function writeBatch(): Promise<number> {
    const batch = waiting.slice(0, BATCH_MAX)
    try {
      await pool.query({ name: 'audit', text: INSERT, values: columnsOf(batch) })
      waiting = waiting.slice(batch.length)
      observe.written(batch.length)
      return waiting.length < BATCH_MAX ? EVERY_MS : 0
    } catch (thrown) {
      const error = asSaldoError(thrown)
      observe.failed(error)
      if (!(error instanceof SaldoError)) {
        // The database answers and refuses them: it would for ever, and everything behind them would wait.
        waiting = waiting.slice(batch.length)
        observe.lost(batch.length)
      }
      return RETRY_MS
    }
  }
  return {
    record(entry) {
      if (waiting.length >= WAITING_MAX) {
        observe.lost(1)
        return
      }
      // The subject of an operator may be any text, and PostgreSQL would refuse the whole batch for this character.
      const actor = entry.actor.replaceAll('\0', '')
      waiting.push({ ...entry, actor, entryId: randomUUID() })
      due(EVERY_MS)
    },
    async close() {
      await writing
      for (let left = Infinity; waiting.length > 0 && waiting.length < left;) {
        left = waiting.length
        await write()
      }
      clearTimeout(timer)
      if (waiting.length > 0) observe.lost(waiting.length)
      await pool.end()
    },
  }
}

const INSERT = `INSERT INTO audit_log (user_id, recorded_at, entry_id, actor, action, resource, status)
  SELECT user_id, to_timestamp(at / 1000), entry_id, actor, action, resource, status
    FROM unnest($1::text[], $2::float8[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::smallint[])
      AS line (user_id, at, entry_id, actor, action, resource, status)`

function columnsOf(batch: readonly Waiting[]): unknown[][] {
  return (['userId', 'at', 'entryId', 'actor', 'action', 'resource', 'status'] as const).map(
    (name) => batch.map((entry) => entry[name]),
  )
}
