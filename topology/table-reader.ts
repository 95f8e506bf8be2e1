import { openEvent } from '../privacy/personal.ts'
import type { SubjectKeyOrShredded } from '../privacy/subject-key.ts'
import { outcomeCodec } from '../schemas/codec.ts'
import { SaldoError } from '../schemas/errors.ts'
import type { OpenedEvent } from '../schemas/opened-event.ts'
import type { TopicName } from '../schemas/topics.ts'
import type { Outcome } from '../schemas/types.ts'
import type { StoredRecord } from './log/log.ts'
import { accounts } from './processors/accounts.ts'
import { balanceHistory } from './processors/balance-history.ts'
import { budgetStatus } from './processors/budget-status.ts'
import { categories } from './processors/categories.ts'
import { commandOutcomes } from './processors/command-outcomes.ts'
import { dailyAggregates } from './processors/daily-aggregates.ts'
import { dailyIncome } from './processors/daily-income.ts'
import { eventArchive } from './processors/event-archive.ts'
import type { Processor } from './processors/processor.ts'
import { profiles } from './processors/profiles.ts'
import { transactionEvents } from './processors/transaction-events.ts'
import { transactions } from './processors/transactions.ts'
import { decodeEvent } from './restore.ts'

/** Keys for reading: a user without one has nothing that could be opened. */
export type ReaderKeys = {
  existingKeysOf(userIds: readonly string[]): Promise<ReadonlyMap<string, SubjectKeyOrShredded>>
}

/** One topic read once for several processors, which share a transaction per batch. */
export type TableReader<Item> = {
  readonly name: string
  readonly topic: TopicName
  readonly processors: readonly Processor<Item>[]
  /** Decodes and opens a slice; a record that does not decode stops the reader. */
  open(
    records: readonly StoredRecord[],
    partition: number,
    keys: ReaderKeys,
  ): Promise<readonly Item[]>
  /** What identifies an item, kept with the progress. */
  idOf(item: Item): string
  /**
   * For tables whose rows outlive their topic's records: a column that grows with the topic within a partition, and what
   * an item puts into it.
   */
  readonly outlives?: { readonly column: string; of(item: Item): number }
}

export const ledgerTables: TableReader<OpenedEvent> = {
  name: 'ledger-tables',
  topic: 'ledger.events',
  processors: [
    eventArchive,
    transactionEvents,
    transactions,
    accounts,
    categories,
    dailyAggregates,
    dailyIncome,
    balanceHistory,
    budgetStatus,
    profiles,
  ],
  async open(records, partition, keys) {
    const events = records.map((record) => decodeEvent(record, partition))
    const found = await keys.existingKeysOf(events.map(({ userId }) => userId))
    return events.map((event) => ({
      ...openEvent(found.get(event.userId), event),
      sealed: event.personal,
    }))
  },
  idOf: ({ eventId }) => eventId,
}

export const outcomeTables: TableReader<Outcome> = {
  name: 'outcome-tables',
  topic: 'ledger.outcomes',
  processors: [commandOutcomes],
  open: (records, partition) =>
    Promise.resolve(
      records.map((record) => {
        try {
          return outcomeCodec.decode(record.value)
        } catch (cause) {
          throw new SaldoError(
            'SALDO_EVENT_UNREADABLE',
            `the outcome at partition ${partition} offset ${record.offset} is not readable`,
            { retryable: false, cause },
          )
        }
      }),
    ),
  idOf: ({ commandId }) => commandId,
  outlives: { column: 'command_offset', of: ({ commandOffset }) => commandOffset },
}

/** Name of a processor's progress rows; stands in the database for ever. */
export function consumerOf(processor: { readonly name: string }): string {
  return `tables:${processor.name}`
}
