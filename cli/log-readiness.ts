import type { Readiness } from '../api/health.ts'
import type { Log } from '../topology/log/log.ts'

/** Whoever asks whether a role is ready asks again soon. */
const ANSWER_MS_MAX = 2000

/** Whether the log answers for every partition: a role waits for one that went away, and does nothing meanwhile. */
export function logReadiness(
  log: Log,
  { answerMsMax = ANSWER_MS_MAX }: { readonly answerMsMax?: number } = {},
): () => Promise<Readiness> {
  const partitions = Array.from({ length: log.partitions }, (_, partition) => partition)
  const ask = async (): Promise<Readiness> => {
    try {
      await Promise.all(
        partitions.map((partition) => log.end({ topic: 'ledger.commands', partition })),
      )
      return { name: 'log', ready: true }
    } catch {
      return NOT_READY
    }
  }
  // One question at a time: those to a log that is away would pile up.
  let asking: Promise<Readiness> | undefined
  return async () => {
    asking ??= ask().finally(() => {
      asking = undefined
    })
    const late = Promise.withResolvers<Readiness>()
    const timer = setTimeout(() => late.resolve(NOT_READY), answerMsMax)
    return Promise.race([asking, late.promise]).finally(() => clearTimeout(timer))
  }
}

const NOT_READY = { name: 'log', ready: false, reason: 'the log does not answer' } as const
