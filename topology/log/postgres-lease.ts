import pg from 'pg'
import { SaldoError } from '../../schemas/errors.ts'
import { topics } from '../../schemas/topics.ts'
import { connect } from '../../sink/postgres/connection.ts'
import { asSaldoError } from '../../sink/postgres/pool.ts'
import type { GroupPlace, Lease, NewRecord } from './log.ts'
import { recordArrays } from './postgres-arrays.ts'
import type { WakeUps } from './postgres-wake-ups.ts'

type Grant = { readonly epoch: bigint; readonly next_offset: bigint | null }

/**
 * Takes a group's partition over: ends the backend of the owner before (a stopped owner must not hold a lock for
 * ever), then raises the epoch, which waits for a commit of that owner that is still on its way.
 */
export async function acquireLease(url: string, place: GroupPlace, wakes: WakeUps): Promise<Lease> {
  const { client, lost } = await connect(url, `lease-${place.partition}`)
  try {
    return leaseOf(client, place, await raiseEpoch(client, place), lost, wakes)
  } catch (error) {
    await client.end().catch(() => undefined)
    throw asSaldoError(error)
  }
}

async function raiseEpoch(
  client: pg.Client,
  { group, topic, partition }: GroupPlace,
): Promise<Grant> {
  const key = [group, topics[topic].topicId, partition]
  await client.query(
    `SELECT pg_terminate_backend(a.pid)
     FROM log_groups g JOIN pg_stat_activity a ON a.pid = g.owner_pid AND a.backend_start = g.owner_started
     WHERE g.group_name = $1 AND g.topic_id = $2 AND g.partition = $3`,
    key,
  )
  const { rows } = await client.query<{ epoch: string; next_offset: string | null }>(
    `INSERT INTO log_groups AS g (group_name, topic_id, partition, epoch, owner_pid, owner_started)
     SELECT $1, $2, $3, 1, pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()
     ON CONFLICT (group_name, topic_id, partition) DO UPDATE
       SET epoch = g.epoch + 1, owner_pid = excluded.owner_pid, owner_started = excluded.owner_started
     RETURNING epoch::text, next_offset::text`,
    key,
  )
  const row = rows[0]
  if (row === undefined) throw new Error('an upsert that returns no row')
  return {
    epoch: BigInt(row.epoch),
    next_offset: row.next_offset === null ? null : BigInt(row.next_offset),
  }
}

function leaseOf(
  client: pg.Client,
  place: GroupPlace,
  grant: Grant,
  connectionLost: AbortSignal,
  wakes: WakeUps,
): Lease {
  const fenced = new AbortController()
  return {
    place,
    epoch: grant.epoch,
    committed: grant.next_offset ?? undefined,
    lost: AbortSignal.any([connectionLost, fenced.signal]),
    async commit(records, nextOffset) {
      // Nothing was sent on a connection that had ended before: that is no doubt. After a doubt only a new lease knows.
      if (connectionLost.aborted || fenced.signal.aborted) throw fencedError(place)
      try {
        const owned = await commitCall(client, place, grant.epoch, records, nextOffset)
        if (!owned) throw fencedError(place)
      } catch (error) {
        if (!(error instanceof SaldoError) || error.code !== 'SALDO_LOG_UNAVAILABLE') fenced.abort()
        throw error
      }
      wakes.announce(records)
    },
    async confirm() {
      if (connectionLost.aborted || fenced.signal.aborted) throw fencedError(place)
      // Without an answer it is not confirmed: whoever takes over ends this connection.
      if (await isNewest(client, place, grant.epoch).catch(() => false)) return
      fenced.abort()
      throw fencedError(place)
    },
    async release() {
      fenced.abort()
      await client.end().catch(() => undefined)
    },
  }
}

function fencedError({ partition }: GroupPlace): SaldoError {
  return new SaldoError(
    'SALDO_LEASE_FENCED',
    `partition ${partition} has a newer owner, or the connection of this one ended`,
    { retryable: true },
  )
}

async function isNewest(
  client: pg.Client,
  { group, topic, partition }: GroupPlace,
  epoch: bigint,
): Promise<boolean> {
  const { rows } = await client.query({
    name: 'log-confirm',
    text: 'SELECT FROM log_groups WHERE group_name = $1 AND topic_id = $2 AND partition = $3 AND epoch = $4',
    values: [group, topics[topic].topicId, partition, epoch],
  })
  return rows.length === 1
}

async function commitCall(
  client: pg.Client,
  place: GroupPlace,
  epoch: bigint,
  records: readonly NewRecord[],
  nextOffset: bigint,
): Promise<boolean> {
  try {
    const { rows } = await client.query<{ committed: boolean }>({
      name: 'log-commit',
      text: 'SELECT log_commit($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) AS committed',
      values: [
        place.group,
        topics[place.topic].topicId,
        place.partition,
        epoch,
        nextOffset,
        ...recordArrays(records),
      ],
    })
    return rows[0]?.committed === true
  } catch (cause) {
    // An answer that says no is a failure; no answer, or one of a backend that is going away, leaves it open.
    if (cause instanceof pg.DatabaseError && !cause.code?.startsWith('57')) {
      throw new SaldoError('SALDO_LOG_UNAVAILABLE', `a commit failed: ${cause.message}`, {
        retryable: passing.has(cause.code?.slice(0, 2) ?? ''),
        cause,
      })
    }
    throw new SaldoError('SALDO_COMMIT_IN_DOUBT', 'the answer to a commit was lost', {
      retryable: true,
      cause,
    })
  }
}

/** Classes of SQLSTATE that another try may not meet: conflicts, resources such as a full disk, system errors. */
const passing: ReadonlySet<string> = new Set(['40', '53', '55', '58'])
