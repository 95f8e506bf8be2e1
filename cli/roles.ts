/** Wires each role to its adapters. A role runs in a thread of its own, so that a busy engine does not slow an answer. */
import pino, { type Logger } from 'pino'
import { STATES_GENERATION } from '../actors/generation.ts'
import type { ApiAccess } from '../api/query/server.ts'
import { keyring } from '../privacy/keyring.ts'
import { postgresCheckpointStore } from '../sink/postgres-checkpoint-store.ts'
import { postgresTableStore } from '../sink/postgres-table-store.ts'
import { byKeyOnly, connectionUse, openPool } from '../sink/postgres/pool.ts'
import { countReviewQueue } from '../sink/review-queue.ts'
import { keepRunning } from '../topology/keep-running.ts'
import type { Membership } from '../topology/leases.ts'
import { actorMetrics } from '../topology/metrics/actors.ts'
import { tableMetrics } from '../topology/metrics/tables.ts'
import type { RestoreProgress } from '../topology/restore.ts'
import { ACTOR_GROUP, runActors, type ActorObserver } from '../topology/run-actors.ts'
import { runTables } from '../topology/run-tables.ts'
import { sqlLeases } from '../topology/sql-leases.ts'
import { ledgerTables, outcomeTables, type TableReader } from '../topology/table-reader.ts'
import { startClock } from './clock-role.ts'
import { leasedRole } from './leased-role.ts'
import { loggedError } from './logged-error.ts'
import { openLog, type LateIdsObserver, type LogSource } from './open-log.ts'
import { startStreams } from './streams-role.ts'

export type RoleName = 'actors' | 'tables' | 'streams' | 'clock' | 'api'

/** Everything a role needs, as plain data: it crosses to another thread. */
export type RoleOptions = LogSource & {
  readonly role: RoleName
  readonly masterKey: Uint8Array
  readonly access: ApiAccess
  readonly host: string
  readonly port: number
  /** False for an engine that a verb runs inside itself: no servers. */
  readonly serve: boolean
  readonly limit: { readonly records: number; readonly bytes: number }
  readonly checkpointMs: number
  readonly checkpointStates: number
  readonly checkpointBytes: number
  readonly sharding: number | 'ledger'
  /** Age of the oldest command that is not decided at which somebody has to look. */
  readonly unreadAlarmMs: number
  /** How long outcomes and dead letters are kept at least. */
  readonly answersMs: number
  readonly budgetThresholds: readonly number[]
  readonly logLevel: string
}

export type Role = {
  /** Where health, metrics or the API answer; undefined when it serves nothing. */
  readonly url: string | undefined
  /** Rejects when the role cannot go on. */
  readonly ended: Promise<void>
  /** Finishes the batch, commits, checkpoints, releases. */
  drain(): Promise<void>
}

export function startRole(options: RoleOptions): Promise<Role> {
  const log = pino(
    {
      level: options.logLevel,
      base: { role: options.role },
      serializers: { error: loggedError },
    },
    pino.destination(2),
  )
  switch (options.role) {
    case 'actors':
      return startActors(options, log)
    case 'tables':
      return startTables(options, log)
    case 'streams':
      return startStreams(options, log)
    case 'clock':
      return startClock(options, log)
    case 'api':
      return startApiRole(options, log)
  }
}

/** States that an engine keeps in memory, all partitions together: some ten thousand active ledgers. */
const CELLS_MAX = 100_000

async function startActors(options: RoleOptions, logger: Logger): Promise<Role> {
  const { databaseUrl: url, partitions, limit } = options
  const metrics = actorMetrics(
    (partition, error) => logger.error({ partition, error }, 'a command failed'),
    () => connectionUse(pool),
  )
  const log = await openLog(options, {
    role: 'actors',
    onDifference: (difference) => logger.warn({ difference }, 'a topic is not as it ought to be'),
    lateIds: { waits: metrics.waits, ...registryNotes(logger) },
  })
  const pool = openPool(url, { role: 'actors', max: 2, session: byKeyOnly })
  const store = postgresCheckpointStore(url, 'actors', STATES_GENERATION)
  const deps = {
    log,
    store,
    keys: keyring(pool, options.masterKey),
    sharding: options.sharding,
    budgetThresholds: options.budgetThresholds,
    limit,
    pace: {
      everyMs: options.checkpointMs,
      changedStates: options.checkpointStates,
      changedStatesMax: options.checkpointStates * 5,
      changedBytes: options.checkpointBytes,
      changedBytesMax: options.checkpointBytes * 5,
    },
    cellsMax: Math.ceil(CELLS_MAX / partitions),
    now: () => performance.now(),
  }
  const membership = sqlLeases(url, 'actors').join(ACTOR_GROUP, partitions, (partition, stop) => {
    let restoredFrom = -1n
    return keepRunning(
      partition,
      (signal, progressed) => {
        const note = restoreNotes(logger)
        const observe = {
          ...metrics.observer,
          restoring: (...restored: Parameters<NonNullable<ActorObserver['restoring']>>) => {
            // A try that begins behind the one before found a checkpoint on the way; one at the same place failed there.
            const [, { from }] = restored
            if (from > restoredFrom) progressed()
            restoredFrom = from
            metrics.observer.restoring?.(...restored)
            note(...restored)
          },
          committed: (...batch: Parameters<typeof metrics.observer.committed>) => {
            progressed()
            metrics.observer.committed(...batch)
          },
        }
        return runActors(partition, { ...deps, observe }, signal)
      },
      stop,
      (error) => logger.warn({ partition, error }, 'the owner of a partition starts again'),
    ).finally(() => metrics.left(partition))
  })
  return leasedRole(options, {
    log,
    ended: membership.ended,
    memberships: [membership],
    metrics: metrics.text,
    async close() {
      await store.close()
      await log.close()
      await pool.end()
    },
  })
}

/** Says once that commands wait for the registry, and once that it answers again. */
function registryNotes(logger: Logger): Pick<LateIdsObserver, 'failed' | 'answered'> {
  let isAway = false
  return {
    failed(error) {
      if (!isAway) logger.warn({ error }, 'commands wait for the schema registry')
      isAway = true
    },
    answered() {
      if (isAway) logger.info('the schema registry answers again')
      isAway = false
    },
  }
}

/** A restore takes a moment, unless an evolve changed and the states are made anew from the first event. */
const RESTORE_NOTE_MS = 5000

/** Says every few seconds how far a long restore has come. */
function restoreNotes(logger: Logger): (partition: number, progress: RestoreProgress) => void {
  let noted = performance.now()
  return (partition, { position, end }) => {
    if (performance.now() - noted < RESTORE_NOTE_MS) return
    noted = performance.now()
    const offsets = { position: Number(position), end: Number(end) }
    logger.warn({ partition, ...offsets }, 'folding events before the first command')
  }
}

async function startTables(options: RoleOptions, logger: Logger): Promise<Role> {
  const { databaseUrl: url, partitions, limit } = options
  const pool = openPool(url, { role: 'tables', max: 5, session: byKeyOnly })
  const log = await openLog(options, { role: 'tables', pool })
  const keys = keyring(pool, options.masterKey)
  const metrics = tableMetrics(
    (processor, partition, error) =>
      logger.error({ processor, partition, error }, 'a processor was detached'),
    { connections: () => connectionUse(pool), reviewQueue: () => countReviewQueue(pool) },
  )
  const join = <Item>(reader: TableReader<Item>): Membership =>
    sqlLeases(url, 'tables').join(`saldo.${reader.name}`, partitions, (partition, stop) =>
      keepRunning(
        partition,
        async (signal, progressed) => {
          const store = postgresTableStore(url, 'tables', pool)
          const observe = {
            ...metrics.observer,
            applied: (...batch: Parameters<typeof metrics.observer.applied>) => {
              progressed()
              metrics.observer.applied(...batch)
            },
          }
          try {
            await runTables(reader, partition, { log, store, keys, limit, observe }, signal)
          } finally {
            await store.close()
          }
        },
        stop,
        (error) =>
          logger.warn({ reader: reader.name, partition, error }, 'a table reader starts again'),
      ),
    )
  const memberships = [join(ledgerTables), join(outcomeTables)]
  const ended = Promise.all(memberships.map((membership) => membership.ended)).then(() => undefined)
  return leasedRole(options, {
    log,
    ended,
    memberships,
    metrics: metrics.text,
    async close() {
      await log.close()
      await pool.end()
    },
  })
}

async function startApiRole(options: RoleOptions, logger: Logger): Promise<Role> {
  // The server and its libraries are most of what a thread has to load, and the other roles need none of it.
  const { startApi } = await import('../api/query/server.ts')
  const api = await startApi({
    ...options.access,
    databaseUrl: options.databaseUrl,
    host: options.host,
    port: options.port,
    log: logger,
  })
  return { url: api.url, ended: new Promise(() => undefined), drain: () => api.close() }
}
