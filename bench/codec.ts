/** What encoding, decoding, sealing and hashing cost on one core. */
import { randomBytes } from 'node:crypto'
import { open, seal } from '../privacy/seal.ts'
import { subjectKey } from '../privacy/subject-key.ts'
import { eventCodec, personalCodec } from '../schemas/codec.ts'
import { eventIdOf } from '../schemas/ids.ts'
import type { LedgerEvent, Personal } from '../schemas/types.ts'
import { eventHash } from '../topology/sealer.ts'
import { ownCpu } from './cpu.ts'
import { median, round, spread, type Report } from './report.ts'
import { transactionOf } from './workload.ts'

const EVENTS = 2000
const ROUNDS = 25

export function codec(runs: number, report: Report): void {
  const key = subjectKey(randomBytes(32)).sealing
  const aads = Array.from({ length: EVENTS }, (_, index) => `user-${index}|${index}`)
  const plains = Array.from({ length: EVENTS }, (_, index) => personalCodec.encode(textsOf(index)))
  const sealed = plains.map((plain, index) => seal(key, plain, aads[index] ?? ''))
  const events = sealed.map((personal, index) => eventOf(index, personal))
  const encoded = events.map((event) => eventCodec.encode(event))
  const at = <T>(values: readonly T[], index: number): T => values[index] as T
  const cases = {
    'codec-encode': (index: number) => eventCodec.encode(at(events, index)),
    'codec-decode': (index: number) => eventCodec.decode(at(encoded, index)),
    'codec-seal': (index: number) => seal(key, at(plains, index), at(aads, index)),
    'codec-open': (index: number) => open(key, at(sealed, index), at(aads, index)),
    'codec-hash': (index: number) => eventHash(at(encoded, index)),
    'codec-seal-and-hash': (index: number) => {
      seal(key, at(plains, index), at(aads, index))
      eventHash(at(encoded, index))
    },
  }
  for (const [name, work] of Object.entries(cases)) {
    report.note(name)
    once(work)
    const micros = Array.from({ length: runs }, () => once(work))
    report.line(name, {
      eventsPerCpuSecond: Math.round(1e6 / median(micros)),
      cpuMicrosPerEvent: round(median(micros), 2),
      runs: micros.map((value) => round(value, 2)),
      spread: spread(micros),
      event: 'TransactionCreated',
      encodedBytes: encoded[0]?.length,
    })
  }
}

/** Microseconds of CPU per call: on a quiet machine the time that passes, on a shared one still what it costs. */
function once(work: (index: number) => unknown): number {
  const began = ownCpu()
  for (let round = 0; round < ROUNDS; round++) {
    for (let index = 0; index < EVENTS; index++) work(index)
  }
  return (ownCpu() - began) / (EVENTS * ROUNDS)
}

function textsOf(index: number): Personal {
  const { description } = transactionOf(index, 0)
  return {
    description,
    merchant: 'Rema 1000',
    counterparty: null,
    note: null,
    rawData: null,
    name: null,
    bankName: null,
    previousName: null,
    previousDescription: null,
    previousMerchant: null,
    previousCounterparty: null,
    previousNote: null,
  }
}

function eventOf(index: number, personal: Buffer): LedgerEvent {
  const { transactionId, accountId, amountMinor, currency, occurredAt, source } = transactionOf(
    index,
    Date.now(),
  )
  const userId = `user-${index}`
  return {
    eventId: eventIdOf(userId, index + 1),
    userId,
    sequence: index + 1,
    aggregateType: 'transaction',
    aggregateId: transactionId,
    version: 1,
    occurredAt,
    recordedAt: occurredAt,
    commandId: transactionId,
    initiator: { kind: 'user', id: 'bench' },
    previousHash: randomBytes(32),
    personal,
    body: {
      type: 'TransactionCreated',
      transactionId,
      accountId,
      amountMinor,
      currency,
      bookedOn: 20_000,
      source,
      categoryId: 'groceries',
      confidence: 0.9,
      categorySource: 'rule',
      alternatives: [],
      modelVersion: 'words-1',
      mcc: null,
      kind: 'ordinary',
      linkedTransactionId: null,
      contentHash: randomBytes(16),
    },
  }
}
