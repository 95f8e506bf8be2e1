/** What the engine's process holds after work for many ledgers, what it uses while nothing happens, and what a ledger in memory costs. */
import { setTimeout as delay } from 'node:timers/promises'
import { append, freshDatabase } from './database.ts'
import { engineProcess } from './engine-process.ts'
import { idleLedger } from './ledger-memory.ts'
import { milestones } from './progress.ts'
import { round, type reportOf } from './report.ts'
import { openAccounts, recordTransactions } from './workload.ts'

export type MemoryOptions = {
  readonly commands: number
  readonly users: number
  readonly idleSeconds: number
}

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
