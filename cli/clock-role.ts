import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { startRoleServer } from '../api/role-server.ts'
import { postgresClockStore } from '../sink/postgres-clock-store.ts'
import { openPool } from '../sink/postgres/pool.ts'
import { keepRunning } from '../topology/keep-running.ts'
import { clockMetrics } from '../topology/metrics/clock.ts'
import { CLOCK_GROUP, runClock } from '../topology/run-clock.ts'
import { sqlLeases } from '../topology/sql-leases.ts'
import { unreadAlarm } from '../topology/unread-alarm.ts'
import { logReadiness } from './log-readiness.ts'
import { openLogWithRetention } from './open-log.ts'
import type { Role, RoleOptions } from './roles.ts'

/** Leased in a group of one partition: of several processes one is the clock, the others stand by. */
export async function startClock(options: RoleOptions, logger: Logger): Promise<Role> {
  const { databaseUrl: url, answersMs } = options
  // One after the other is soon enough for all that a clock does.
  const pool = openPool(url, { role: 'clock', max: 1 })
  const { log, retention } = await openLogWithRetention(options, {
    role: 'clock',
    pool,
    onRefused: (reason) => logger.warn({ reason }, 'records are not removed'),
  })
  const store = postgresClockStore(url, 'clock', pool)
  const metrics = clockMetrics()
  const alarm = unreadAlarm({
    limitMs: options.unreadAlarmMs,
    onRaised: (partition, ageMs) =>
      logger.error({ partition, ageMs }, 'commands wait for too long'),
    onOver: (partition) => logger.warn({ partition }, 'commands wait no more'),
  })
  const deps = {
    log,
    store,
    retention,
    answersMs,
    now: () => Date.now(),
    pause: async (ms: number, stop: AbortSignal) => {
      await delay(ms, undefined, { signal: stop }).catch(() => undefined)
    },
  }
  const membership = sqlLeases(url, 'clock').join(CLOCK_GROUP, 1, (partition, stop) =>
    keepRunning(
      partition,
      (signal, progressed) => {
        const observe = {
          ...metrics.observer,
          unread: (ms: ReadonlyMap<number, number>) => {
            progressed()
            metrics.observer.unread(ms)
            alarm(ms)
          },
        }
        return runClock({ ...deps, observe }, signal)
      },
      stop,
      (error) => logger.warn({ error }, 'the clock starts again'),
    ),
  )
  membership.ended.catch(() => undefined)
  const logAnswers = logReadiness(log)
  const server = options.serve
    ? await startRoleServer({
        host: options.host,
        port: options.port,
        metrics: metrics.text,
        // Standing by is what most of them do.
        ready: async () => [{ name: 'clock', ready: true }, await logAnswers()],
      })
    : undefined
  return {
    url: server?.url,
    ended: membership.ended,
    async drain() {
      await membership.leave()
      await server?.close()
      await retention.close()
      await store.close()
      await log.close()
      await pool.end()
    },
  }
}
