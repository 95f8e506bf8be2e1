import { developmentToken } from '../../../../api/token.ts'
import { partitionOf } from '../../../../schemas/partition.ts'
import type { Engine } from '../../../support/engine.ts'
import { SECRET } from '../client.ts'
import { readStream } from '../event-stream.ts'

/** A client of the stream that has heard `ready`. */
export async function listening(url: string, userId: string) {
  const token = await developmentToken({ userId, secret: SECRET, expiresIn: 600 })
  const stream = await readStream(`${url}/v1/stream`, { authorization: `Bearer ${token}` })
  await stream.next()
  return {
    /** All that is told up to a position. */
    async until(position: string): Promise<ReadonlySet<string>> {
      const told = new Set<string>()
      for (;;) {
        const { id, data } = await stream.next()
        for (const name of (data as { readonly changed: readonly string[] }).changed) told.add(name)
        if (id === position) return told
      }
    },
    close: () => stream.close(),
  }
}

/** Where a user's partition is when its tables have everything of the log. */
export async function positionIn({ log }: Engine, userId: string): Promise<string> {
  const partition = partitionOf(Buffer.from(userId), log.partitions)
  const events = await log.end({ topic: 'ledger.events', partition })
  const outcomes = await log.end({ topic: 'ledger.outcomes', partition })
  return `${partition}-${events}-${outcomes}`
}
