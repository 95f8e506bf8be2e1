/** What the engine's process holds after work for many ledgers, what it uses while nothing happens, and what a ledger in memory costs. */
import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { LedgerHost, type Loaded } from '../actors/host/host.ts'
import { emptyRoot } from '../actors/root/root.ts'
import { append, freshDatabase } from './database.ts'
import { engineProcess } from './engine-process.ts'
import { milestones } from './progress.ts'
import { round, type reportOf } from './report.ts'
import { openAccounts, recordTransactions } from './workload.ts'

export type MemoryOptions = {
  readonly commands: number
  readonly users: number
  readonly idleSeconds: number
}

const IDLE_LEDGERS = 100_000

export async function memory(
  { commands, users, idleSeconds }: MemoryOptions,
  report: ReturnType<typeof reportOf>,
): Promise<void> {
  idleLedger(report)
  const database = await freshDatabase()
  try {
    const workload = { commands, users, partitions: database.config.partitions }
    report.given(database.version, { ...workload, idleSeconds })
    const engine = await engineProcess(database)
    try {
      report.note(`${commands} commands of ${users} ledgers`)
      await append(database.log, openAccounts(workload))
      await append(database.log, recordTransactions(workload))
      await milestones(database.pool, new Promise(() => undefined))
      report.line('engine-memory', {
        residentMiB: await engine.residentMiB(),
        peakMiB: await engine.peakMiB(),
        activeLedgers: users,
        includes: 'actors, tables and api in one process, after the last checkpoint',
      })
      report.note(`idle for ${idleSeconds} seconds`)
      const before = await engine.cpuMs()
      await delay(idleSeconds * 1000)
      const used = (await engine.cpuMs()) - before
      report.line('engine-idle', { percentOfACore: round(used / (idleSeconds * 10), 2) })
    } finally {
      await engine.stop()
    }
  } finally {
    await database.close()
  }
}

/** Heap of a ledger whose root and one account are loaded and whose transactions have left, as after hours without commands. */
function idleLedger(report: ReturnType<typeof reportOf>): void {
  const host = new LedgerHost()
  const before = heapAfterCollection()
  for (let from = 0; from < IDLE_LEDGERS; from += 1000) {
    host.install(Array.from({ length: 1000 }, (_, index) => idle(`ledger ${from + index}`)))
  }
  const bytes = (heapAfterCollection() - before) / IDLE_LEDGERS
  host.stop()
  report.line('idle-ledger', { bytes: Math.round(bytes), ledgers: IDLE_LEDGERS })
}

function idle(userId: string): Loaded {
  const held = { sequence: 21, version: 21 }
  return {
    userId,
    sealer: {
      readable: true,
      contentHash: () => Buffer.alloc(0),
      encode: () => ({ value: Buffer.alloc(0), hash: Buffer.alloc(0) }),
    },
    states: [
      {
        type: 'root',
        id: 'root',
        held: { ...held, state: { ...emptyRoot, lastHash: Buffer.from(userId.padEnd(32, '.')) } },
      },
      {
        type: 'account',
        id: 'main',
        held: {
          ...held,
          state: {
            status: 'open',
            kind: 'checking',
            currency: 'NOK',
            balanceMinor: 12_345n,
            transactionCount: 20,
            name: `Account of ${userId}`,
            bankName: null,
            contentHash: Buffer.from(userId.padEnd(16, '.')),
            firstSequence: 1,
          },
        },
      },
    ],
    absentTransactions: [],
  }
}

function heapAfterCollection(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
