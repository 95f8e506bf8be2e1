/** The commands that the benches send: always the same ones, apart from their dates. */
import { hash } from 'node:crypto'
import { commandCodec } from '../schemas/codec.ts'
import { partitionOf } from '../schemas/partition.ts'
import type { LedgerCommandBody, RecordTransaction } from '../schemas/types.ts'
import type { NewRecord } from '../topology/log/log.ts'

export type Workload = {
  readonly commands: number
  readonly users: number
  readonly partitions: number
}

const ACCOUNT = 'main'
const DAY_MS = 86_400_000

const descriptions = [
  'VISA VARE 4411 REMA 1000 TORSHOV OSLO',
  'KIWI 512 GRUNERLOKKA',
  'AVTALEGIRO STROM OG NETTLEIE',
  'SPOTIFY P2A41F STOCKHOLM',
  'RUTER APP OSLO 30-DAGERS',
  'VIPPS*KAFFE OG KAKE',
  'OVERFORSEL SPAREKONTO',
  'CIRCLE K ALNABRU DRIVSTOFF',
  'HUSLEIE MAI REF 004417',
  'APOTEK 1 STORGATA',
] as const

/** One account for every user, opened before anything is measured. */
export function* openAccounts({ users, partitions }: Workload): Generator<NewRecord> {
  for (let user = 0; user < users; user++) {
    yield commandOf(userId(user), `account ${user}`, partitions, {
      type: 'OpenAccount',
      accountId: ACCOUNT,
      kind: 'checking',
      currency: 'NOK',
      name: 'Everyday account',
      bankName: null,
    })
  }
}

/** Users take turns, so a batch of 1,000 touches as many ledgers as it can: the dearest order there is. Another series has other ids. */
export function* recordTransactions(workload: Workload, series = ''): Generator<NewRecord> {
  for (let index = 0; index < workload.commands; index++) {
    const user = userOf(index, workload)
    const id = `${series}${index}`
    const body = { ...transactionOf(index, Date.now()), transactionId: uuidOf(`transaction ${id}`) }
    yield commandOf(user, `command ${id}`, workload.partitions, body)
  }
}

export function userOf(index: number, { users }: Workload): string {
  return userId(index % users)
}

export function amountOf(index: number): bigint {
  // One in ten is income.
  return index % 10 === 7 ? BigInt(100_000 + (index % 9000)) : BigInt(-100 - (index % 5000))
}

export function transactionOf(index: number, now: number): RecordTransaction {
  return {
    type: 'RecordTransaction',
    transactionId: uuidOf(`transaction ${index}`),
    accountId: ACCOUNT,
    amountMinor: amountOf(index),
    currency: 'NOK',
    occurredAt: now - (index % 300) * DAY_MS,
    bookedOn: null,
    source: 'bank_sync',
    categoryId: null,
    mcc: null,
    description: `${descriptions[index % descriptions.length]} ${index % 1000}`,
    merchant: null,
    counterparty: null,
    note: null,
    rawData: null,
  }
}

export function amountsSum({ commands }: Workload): bigint {
  let sum = 0n
  for (let index = 0; index < commands; index++) sum += amountOf(index)
  return sum
}

/** The same `seed` has the same command id. */
export function commandOf(
  user: string,
  seed: string,
  partitions: number,
  body: LedgerCommandBody,
): NewRecord {
  const key = Buffer.from(user)
  return {
    topic: 'ledger.commands',
    partition: partitionOf(key, partitions),
    key,
    value: commandCodec.encode({
      commandId: uuidOf(seed),
      userId: user,
      issuedAt: Date.now(),
      expectedVersion: null,
      initiator: { kind: 'user', id: 'bench' },
      traceparent: null,
      body,
    }),
  }
}

function userId(user: number): string {
  return uuidOf(`user ${user}`)
}

/** Spread like a random uuid, and the same in every run. */
export function uuidOf(seed: string): string {
  const hex = hash('sha256', seed)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
