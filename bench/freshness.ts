/** From the call that appends a command to an answer of the API that shows it. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '../topology/log/log.ts'
import { commandOf, transactionOf } from './workload.ts'

export type Prober = { readonly userId: string; readonly token: string }

export type Probing = {
  readonly probers: readonly Prober[]
  /** One digit; a later series has a larger one, and so other and newer ids. */
  readonly series: number
}

/** What a reading of a wait can be late by, beside the time of an answer. */
export const LOOK_EVERY_MS = 10
const PATIENCE_MS = 60_000

/**
 * Milliseconds of each wait. A prober appends one command, asks for the newest transaction until that is it, and begins
 * again, until `stop`.
 */
export async function freshness(
  { log, apiUrl }: { readonly log: Log; readonly apiUrl: string },
  { probers, series }: Probing,
  stop: AbortSignal,
): Promise<readonly number[]> {
  const waits: number[] = []
  let round = 0
  const probe = async ({ userId, token }: Prober): Promise<void> => {
    // One append at a time is what a producer can do.
    const producer = log.producer()
    while (!stop.aborted) {
      // Ascending: of one day the largest id is listed first.
      const transactionId = `z-${series}-${String(++round).padStart(9, '0')}`
      const body = { ...transactionOf(round, Date.now()), occurredAt: Date.now(), transactionId }
      const record = commandOf(userId, `probe ${series} ${round}`, log.partitions, body)
      const began = performance.now()
      await producer.append([record])
      while ((await newest(apiUrl, token)) !== transactionId) {
        if (performance.now() - began > PATIENCE_MS) throw new Error('a command never shows')
        await delay(LOOK_EVERY_MS)
      }
      waits.push(performance.now() - began)
    }
    await producer.close()
  }
  await Promise.all(probers.map(probe))
  return waits
}

async function newest(apiUrl: string, token: string): Promise<string | undefined> {
  const response = await fetch(`${apiUrl}/v1/transactions?limit=1`, {
    headers: { authorization: `Bearer ${token}` },
  })
  if (!response.ok) throw new Error(`the API answered ${response.status}`)
  const { transactions } = (await response.json()) as {
    transactions: readonly { transactionId: string }[]
  }
  return transactions[0]?.transactionId
}
