import { expect, test } from 'vitest'
import { describeKafka } from '../support/kafka.ts'
import { chaos } from './chaos.ts'
import { shortForm } from './kafka-matrix.ts'

/**
 * The short form of `npm run chaos:kafka`: a few kinds of faults, each once. Replay a schedule with `SEED=<seed>`. What a
 * failure leaves is kept, and the message says where.
 */

const COMMANDS = 600
// A quiet machine needs a fraction of it; a busy one starts engines slowly.
const LIMIT_MS = 300_000
const CLEAN_UP_MS = 30_000
const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))

describeKafka('real processes', (kafka) => {
  test(
    `${shortForm.length} faults leave one answer per command and exact sums (SEED=${seed})`,
    async () => {
      const notes: string[] = []
      const result = await chaos({
        commands: COMMANDS,
        kinds: shortForm,
        draw: () => shortForm,
        engines: 1,
        brokers: { address: kafka.broker.address, prefix: kafka.prefix },
        seed,
        isShort: true,
        databaseUrl: undefined,
        keep: false,
        stop: AbortSignal.timeout(LIMIT_MS - CLEAN_UP_MS),
        note: (line) => void notes.push(line),
      })
      const { problems, findings } = result
      expect([...problems, ...findings], notes.join('\n')).toEqual([])
      expect(result.faults.map(({ times }) => times)).toEqual(shortForm.map(() => 1))
    },
    LIMIT_MS,
  )
})
