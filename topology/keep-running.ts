import { setTimeout as delay } from 'node:timers/promises'
import { SaldoError } from '../schemas/errors.ts'

const FAILURES_MAX = 3
const BACKOFF_FIRST_MS = 50
const BACKOFF_MAX_MS = 2000

/**
 * Runs the owner of a partition again and again until `stop` fires. What the world causes is tried for ever, with
 * growing pauses; what fails without any progress in between is given up after three times, with its coordinates.
 */
export async function keepRunning(
  partition: number,
  run: (stop: AbortSignal, progressed: () => void) => Promise<void>,
  stop: AbortSignal,
  report: (error: unknown) => void,
  pause: (ms: number, stop: AbortSignal) => Promise<void> = pauseFor,
): Promise<void> {
  let failures = 0
  let attempts = 0
  const progressed = (): void => {
    failures = 0
    attempts = 0
  }
  while (!stop.aborted) {
    try {
      await run(stop, progressed)
    } catch (error) {
      report(error)
      const retryable = error instanceof SaldoError && error.retryable
      if (error instanceof SaldoError && stopsAtOnce.has(error.code)) throw error
      if (!retryable && ++failures >= FAILURES_MAX) {
        throw new SaldoError(
          'SALDO_BATCH_FAILING',
          `partition ${partition} failed ${FAILURES_MAX} times at the same place: ${messageOf(error)}`,
          { retryable: false, cause: error },
        )
      }
    }
    if (stop.aborted) return
    await pause(Math.min(BACKOFF_FIRST_MS * 2 ** attempts++, BACKOFF_MAX_MS), stop)
  }
}

async function pauseFor(ms: number, stop: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal: stop }).catch(() => undefined)
}

/** Nothing gets better by trying again. */
const stopsAtOnce: ReadonlySet<string> = new Set([
  'SALDO_BATCH_FAILING',
  'SALDO_OFFSET_LOST',
  'SALDO_LOG_MISMATCH',
  'SALDO_RECORDS_REMOVED',
  'SALDO_EVENT_UNREADABLE',
  'SALDO_KEY_UNAVAILABLE',
  'SALDO_RELEASE_OUTDATED',
])

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
