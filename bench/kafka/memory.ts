/** What a ledger costs in memory, and what a process with every partition and nothing to do costs. */
import { setTimeout as delay } from 'node:timers/promises'
import { round } from '../report.ts'
import { activeLedger, idleLedger } from '../ledger-memory.ts'
import { createTopic, inWorld, type Bench } from './bench.ts'
import { startActors } from './engine.ts'
import { peerBest, startPeer } from './peer.ts'
import { cpuOf, residentMiB } from './process-cpu.ts'

export type MemoryOptions = { readonly partitions: number; readonly idleSeconds: number }

const SETTLE_MS = 5000

export async function memory(bench: Bench, options: MemoryOptions): Promise<void> {
  const { report } = bench
  report.note('memory: ledgers on the heap')
  idleLedger(report)
  await activeLedger(report)
  const { partitions, idleSeconds } = options
  const idle = async (engine: string, pid: number): Promise<void> => {
    report.note(`idle: ${engine} with ${partitions} partitions, ${idleSeconds} s`)
    await delay(SETTLE_MS)
    const before = [await cpuOf(pid), await cpuOf(bench.broker.pid)]
    await delay(idleSeconds * 1000)
    const after = [await cpuOf(pid), await cpuOf(bench.broker.pid)]
    const percent = (index: number): number =>
      round(((after[index] ?? 0) - (before[index] ?? 0)) / (idleSeconds * 10_000), 2)
    report.line('kafka-idle', {
      engine,
      partitions,
      percentOfACore: percent(0),
      brokerPercentOfACore: percent(1),
      residentMiB: await residentMiB(pid),
    })
  }
  await inWorld(bench, partitions, async (world) => {
    const engine = await startActors(world)
    try {
      await idle('saldo', engine.pid)
    } finally {
      await engine.kill('SIGTERM')
    }
  })
  const applicationId = bench.nextName()
  const [commands, events] = [`${applicationId}.commands`, `${applicationId}.events`]
  for (const topic of [commands, events]) await createTopic(bench, topic, partitions)
  const { folder, broker, java } = bench
  const at = { broker: broker.address, folder, applicationId, commands, events }
  const peer = await startPeer(java, { ...at, configuration: peerBest })
  try {
    await idle(peerBest.name, peer.pid)
  } finally {
    await peer.stop()
  }
}
