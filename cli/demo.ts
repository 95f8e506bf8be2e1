import { hash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { recordOf } from '../connectors/command-record.ts'
import { demoHouseholds, type DemoItem } from '../connectors/demo/households.ts'
import { epochDayOf } from '../schemas/dates.ts'
import { uuidFromHex } from '../schemas/ids.ts'
import type { LedgerCommand, LedgerCommandBody } from '../schemas/types.ts'
import type { Log } from '../topology/log/log.ts'
import { publisher } from './publisher.ts'

/** What the demo of a data folder is made from: the same request gives the same commands, so it can be published again. */
export type DemoPlan = {
  readonly seed: number
  readonly endOn: string
  readonly published: boolean
}

const SEED = 1

/** The plan of a folder that has one; a new one where the log is empty; undefined where other records are. */
export async function demoPlan(
  log: Log,
  dataDir: string,
  today: string,
): Promise<DemoPlan | undefined> {
  const path = join(dataDir, 'demo.json')
  if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8')) as DemoPlan
  for (let partition = 0; partition < log.partitions; partition++) {
    if ((await log.end({ topic: 'ledger.commands', partition })) > 0n) return undefined
  }
  const plan = { seed: SEED, endOn: today, published: false }
  writeFileSync(path, `${JSON.stringify(plan)}\n`)
  return plan
}

/** The users of a demo, in order. */
export function demoUsers(plan: DemoPlan): readonly string[] {
  return [...new Set(Array.from(demoHouseholds(plan), ({ userId }) => userId))]
}

/**
 * Publishes the whole demo. Interrupted and started again it publishes everything once more: the ids are the same, so
 * what was recorded before is answered as a duplicate.
 */
export async function publishDemo(
  log: Log,
  dataDir: string,
  plan: DemoPlan,
  onProgress: (published: number, total: number) => void,
): Promise<number> {
  const sender = publisher(log)
  const items = [...demoHouseholds(plan)]
  for (const [index, item] of items.entries()) {
    await sender.publish(recordOf(commandOf(item, index, plan), log.partitions))
    if (index % 100 === 0) onProgress(index, items.length)
  }
  await sender.flush()
  onProgress(items.length, items.length)
  writeFileSync(join(dataDir, 'demo.json'), `${JSON.stringify({ ...plan, published: true })}\n`)
  return items.length
}

function commandOf(item: DemoItem, index: number, plan: DemoPlan): LedgerCommand {
  return {
    commandId: uuidFromHex(hash('sha256', `saldo demo ${plan.seed} ${plan.endOn} ${index}`, 'hex')),
    userId: item.userId,
    issuedAt: item.occurredAt,
    expectedVersion: null,
    initiator: { kind: 'system', id: 'saldo-demo' },
    traceparent: null,
    body: bodyOf(item),
  }
}

function bodyOf(item: DemoItem): LedgerCommandBody {
  switch (item.kind) {
    case 'preferences':
      return {
        type: 'SetPreferences',
        baseCurrency: item.baseCurrency,
        timeZone: item.timeZone,
        locale: item.locale,
      }
    case 'open-account':
      return {
        type: 'OpenAccount',
        accountId: item.accountId,
        kind: item.accountKind,
        currency: item.currency,
        name: item.name,
        bankName: null,
      }
    case 'set-budget':
      return {
        type: 'SetBudget',
        budgetId: item.budgetId,
        categoryId: item.categoryId,
        currency: item.currency,
        month: null,
        amountMinor: item.amountMinor,
        thresholds: null,
        name: null,
      }
    case 'transaction':
      return {
        type: 'RecordTransaction',
        transactionId: item.transactionId,
        accountId: item.accountId,
        amountMinor: item.amountMinor,
        currency: item.currency,
        occurredAt: item.occurredAt,
        bookedOn: epochDayOf(item.bookedOn) ?? null,
        source: 'bank_sync',
        categoryId: null,
        mcc: null,
        description: item.description,
        merchant: null,
        counterparty: null,
        note: null,
        rawData: null,
      }
  }
}
