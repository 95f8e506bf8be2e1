import { describe, expect, test } from 'vitest'
import { chaos } from './chaos.ts'
import { allFaults, schedule } from './faults/all.ts'

/**
 * The short form of `npm run chaos`: all kinds of faults, each once. Replay a schedule with `SEED=<seed>`; another size with
 * `SALDO_CHAOS_COMMANDS=<number>`. What a failure leaves is kept, and the message says where.
 */

// Faults and restarts take the time, not commands: enough for each fault to find the engines at work.
const COMMANDS_FULL = 10_000
const COMMANDS = Number(process.env['SALDO_CHAOS_COMMANDS'] ?? COMMANDS_FULL)
const FAULTS = allFaults.length
// A quiet machine needs a fraction of it; a busy one starts engines slowly.
const LIMIT_MS = 540_000
const CLEAN_UP_MS = 60_000
const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const scale = COMMANDS === COMMANDS_FULL ? '' : `, not the ${COMMANDS_FULL} of the full run`

describe('real processes', () => {
  test(
    `${FAULTS} faults under ${COMMANDS} commands${scale} leave one answer per command and exact sums (SEED=${seed})`,
    async () => {
      const notes: string[] = []
      const result = await chaos({
        commands: COMMANDS,
        kinds: allFaults,
        draw: (random) => schedule(FAULTS, random, 'once'),
        engines: 2,
        seed,
        isShort: true,
        databaseUrl: undefined,
        keep: false,
        stop: AbortSignal.timeout(LIMIT_MS - CLEAN_UP_MS),
        note: (line) => void notes.push(line),
      })
      const { problems, findings } = result
      expect([...problems, ...findings], notes.join('\n')).toEqual([])
      expect(result).toMatchObject({
        commands: COMMANDS,
        wrongOutcomes: 0,
        wrongEvents: 0,
        wrongBalances: 0,
        verifyDifferences: 0,
      })
    },
    LIMIT_MS,
  )
})
