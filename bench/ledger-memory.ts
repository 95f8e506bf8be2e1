/** Heap that a ledger takes in an engine's memory. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { LedgerHost, type Loaded } from '../actors/host/host.ts'
import { emptyRoot } from '../actors/root/root.ts'
import { decodeBatch } from '../topology/decode-batch.ts'
import { sealerOf } from '../topology/sealer.ts'
import { memoryKeys } from '../tests/support/memory-keys.ts'
import type { NewRecord } from '../topology/log/log.ts'
import type { Report } from './report.ts'
import { openAccounts, recordTransactions } from './workload.ts'

const IDLE_LEDGERS = 100_000
const ACTIVE_LEDGERS = 2000
const ACTIVE_TRANSACTIONS = 20
const BATCH_RECORDS = 1000

/** Heap of a ledger whose root and one account are loaded and whose transactions have left, as after hours without commands. */
export function idleLedger(report: Report): void {
  const host = new LedgerHost()
  const before = heapAfterCollection()
  for (let from = 0; from < IDLE_LEDGERS; from += 1000) {
    host.install(Array.from({ length: 1000 }, (_, index) => idle(`ledger ${from + index}`)))
  }
  const bytes = (heapAfterCollection() - before) / IDLE_LEDGERS
  host.stop()
  report.line('idle-ledger', { bytes: Math.round(bytes), ledgers: IDLE_LEDGERS })
}

/** Heap of a ledger at work: root, account, its key, and the last transactions, which leave after a checkpoint. */
export async function activeLedger(report: Report): Promise<void> {
  const workload = {
    commands: ACTIVE_LEDGERS * ACTIVE_TRANSACTIONS,
    users: ACTIVE_LEDGERS,
    partitions: 1,
  }
  const host = new LedgerHost()
  const keys = memoryKeys()
  const before = heapAfterCollection()
  let batch: NewRecord[] = []
  let offset = 0n
  const decide = async (): Promise<void> => {
    const records = batch.map(({ key, value }) => {
      return { offset: offset++, key, value, appendedAt: Date.now() }
    })
    batch = []
    const place = { topic: 'ledger.commands', partition: 0 } as const
    const { commands } = decodeBatch(records, place, workload.partitions, keys.operator)
    const { ledgers, transactions } = host.missing(commands)
    const sealers = await keys.keysOf(commands.map(({ command }) => command.userId))
    const absent = Map.groupBy(transactions, ({ userId }) => userId)
    host.install(
      [...new Set([...ledgers, ...absent.keys()])].map((userId) => ({
        userId,
        sealer: sealerOf(sealers.get(userId) ?? 'shredded'),
        states: [],
        absentTransactions: (absent.get(userId) ?? []).map(({ transactionId }) => transactionId),
      })),
    )
    for (const { outcome } of await host.decide(commands)) {
      if (outcome.verdict !== 'accepted') throw new Error(`a command was ${outcome.verdict}`)
    }
  }
  for (const records of [openAccounts(workload), recordTransactions(workload)]) {
    for (const record of records) {
      batch.push(record)
      if (batch.length === BATCH_RECORDS) await decide()
    }
  }
  await decide()
  const bytes = (heapAfterCollection() - before) / ACTIVE_LEDGERS
  host.stop()
  report.line('active-ledger', {
    bytes: Math.round(bytes),
    ledgers: ACTIVE_LEDGERS,
    transactionsInMemory: ACTIVE_TRANSACTIONS,
  })
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
