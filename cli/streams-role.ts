import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { postgresOutboxStore } from '../sink/postgres-outbox-store.ts'
import { openPool } from '../sink/postgres/pool.ts'
import { keepRunning } from '../topology/keep-running.ts'
import { relayMetrics, streamMetrics } from '../topology/metrics/streams.ts'
import { runRelay } from '../topology/run-relay.ts'
import { runStreams, STREAM_GROUP, streams } from '../topology/run-streams.ts'
import { sharedOutbox } from '../topology/shared-outbox.ts'
import { sqlLeases } from '../topology/sql-leases.ts'
import { leasedRole } from './leased-role.ts'
import { openLog } from './open-log.ts'
import type { Role, RoleOptions } from './roles.ts'

/**
 * What other programs read: the streams of a partition, and the relay of its outbox. One lease and one thread for both,
 * because a relay has little to do, and each role more is connections that a server has to hold for every process.
 */
export async function startStreams(options: RoleOptions, logger: Logger): Promise<Role> {
  const { databaseUrl: url, partitions, limit } = options
  const pool = openPool(url, { role: 'streams', max: 1 })
  const log = await openLog(options, { role: 'streams', pool })
  const store = sharedOutbox(postgresOutboxStore(pool), now)
  const ofStreams = streamMetrics()
  const ofRelay = relayMetrics((partition, { processor, sourceOffset }, error) =>
    logger.error(
      { partition, processor, sourceOffset: Number(sourceOffset), error },
      'a row of the outbox cannot be told',
    ),
  )
  const work = async (partition: number, stop: AbortSignal): Promise<void> => {
    const warn = (error: unknown): void =>
      logger.warn({ partition, error }, 'the streams of a partition start again')
    // When one cannot go on, the other does not either: the partition is somebody else's then.
    const both = new AbortController()
    const over = AbortSignal.any([stop, both.signal])
    const runs = [
      keepRunning(
        partition,
        (signal, progressed) => {
          const observe = {
            committed: (...batch: Parameters<typeof ofStreams.observer.committed>) => {
              progressed()
              ofStreams.observer.committed(...batch)
            },
          }
          return runStreams(partition, { log, streams, limit, observe }, signal)
        },
        over,
        warn,
      ),
      keepRunning(
        partition,
        (signal, progressed) => {
          const observe = {
            ...ofRelay.observer,
            relayed: (...told: Parameters<typeof ofRelay.observer.relayed>) => {
              progressed()
              ofRelay.observer.relayed(...told)
            },
          }
          return runRelay(partition, { log, store, now, pause, observe }, signal)
        },
        over,
        warn,
      ),
    ]
    try {
      await Promise.all(runs)
    } finally {
      both.abort()
      await Promise.allSettled(runs)
    }
  }
  const membership = sqlLeases(url, 'streams').join(STREAM_GROUP, partitions, work)
  return leasedRole(options, {
    log,
    ended: membership.ended,
    memberships: [membership],
    metrics: async () => `${await ofStreams.text()}\n${await ofRelay.text()}`,
    async close() {
      await log.close()
      await pool.end()
    },
  })
}

const now = (): number => performance.now()

async function pause(ms: number, stop: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal: stop }).catch(() => undefined)
}
