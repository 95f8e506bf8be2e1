/**
 * CPU of the Kafka adapter alone, in this process, per record: commits of 1,000 records and reading them back, on a
 * broker that is there. No decider, no database; the broker's own CPU is not counted.
 */
import { randomBytes } from 'node:crypto'
import { kafkaLog } from '../topology/log/kafka-log.ts'
import type { NewRecord } from '../topology/log/log.ts'

const RECORDS = 1_000
const VALUE_BYTES = 400
const WARM_COMMITS = 30
const COMMITS = 200
const SMALL_COMMITS = 200

type Cost = { readonly name: string; readonly microsPerUnit: number; readonly wallMs: number }

/** Runs `work` so often; CPU of this process and wall time for each. */
async function costOf(name: string, units: number, work: () => Promise<void>): Promise<Cost> {
  const cpu = process.cpuUsage()
  const begun = performance.now()
  await work()
  const { user, system } = process.cpuUsage(cpu)
  return { name, microsPerUnit: (user + system) / units, wallMs: performance.now() - begun }
}

export async function benchKafkaLog(address: string): Promise<readonly Cost[]> {
  const prefix = `bench-${process.pid}.`
  const log = await kafkaLog({ brokers: [address], partitions: 1, role: 'bench', prefix })
  const records = Array.from({ length: RECORDS }, (_, n): NewRecord => ({
    topic: n % 2 === 0 ? 'ledger.events' : 'ledger.outcomes',
    partition: 0,
    key: Buffer.from(`0192f0c1-0000-7000-8000-${String(n).padStart(12, '0')}`),
    value: randomBytes(VALUE_BYTES),
  }))
  const place = { topic: 'ledger.commands', partition: 0 } as const
  const lease = await log.acquire({ ...place, group: 'bench' })
  let next = 0n
  const commit = async (batch: readonly NewRecord[], times: number): Promise<void> => {
    for (let n = 0; n < times; n++) await lease.commit(batch, ++next)
  }
  await commit(records, WARM_COMMITS)
  const costs = [
    await costOf('commit of 1,000 records, per record', COMMITS * RECORDS, () =>
      commit(records, COMMITS),
    ),
    await costOf('commit of 1 record', SMALL_COMMITS, () =>
      commit(records.slice(0, 1), SMALL_COMMITS),
    ),
  ]
  const read = async (): Promise<void> => {
    const events = { topic: 'ledger.events', partition: 0 } as const
    const end = await log.end(events)
    for (let at = 0n; at < end;) {
      at = (await log.read(events, at, { records: RECORDS, bytes: 1_000_000 })).next
    }
  }
  await read()
  const stored = ((WARM_COMMITS + COMMITS) * RECORDS) / 2 + SMALL_COMMITS
  costs.push(await costOf('read, per record', stored, read))
  await lease.release()
  await log.close()
  return costs
}

const [address] = process.argv.slice(2)
if (address === undefined) {
  process.stderr.write('node bench/kafka-log.ts HOST:PORT\n')
  process.exitCode = 2
} else {
  for (const cost of await benchKafkaLog(address)) {
    process.stdout.write(`${JSON.stringify({ ...cost, machine: process.version })}\n`)
  }
}
