/** How long and how often a broker is asked again that is not ready to answer. */
import { setTimeout as pause } from 'node:timers/promises'
import { brokerCode, kafkaErrors } from './kafka-errors.ts'

export const MOVED_PAUSE_MS = 50
const BUSY_PAUSE_MS = 4

const busy: ReadonlySet<number> = new Set([
  kafkaErrors.COORDINATOR_LOADING,
  kafkaErrors.CONCURRENT_TRANSACTIONS,
  kafkaErrors.UNSTABLE_OFFSET_COMMIT,
])
/** Another broker will, or the same one when it knows of it. */
const moving: ReadonlySet<number> = new Set([
  kafkaErrors.COORDINATOR_NOT_AVAILABLE,
  kafkaErrors.NOT_COORDINATOR,
])

/** Asks again while coordinators move, which `ask` looks up each time. */
export async function whileMoving<Answer>(
  until: number,
  ask: () => Promise<Answer>,
): Promise<Answer> {
  for (;;) {
    try {
      return await whileBusy(until, ask)
    } catch (error) {
      if (!moving.has(brokerCode(error) ?? 0) || Date.now() > until) throw error
      await pause(MOVED_PAUSE_MS)
    }
  }
}

/** Asks again while the broker is busy with the transaction before, or with learning of it. */
export async function whileBusy<Answer>(
  until: number,
  ask: () => Promise<Answer>,
): Promise<Answer> {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (!busy.has(brokerCode(error) ?? 0) || Date.now() > until) throw error
      await pause(BUSY_PAUSE_MS)
    }
  }
}
