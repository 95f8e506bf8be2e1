import { SaldoError } from '../schemas/errors.ts'
import { refuseNewer, refuseNewerRow } from './checkpoint-generation.ts'
import type { CheckpointRow, CheckpointStore } from './checkpoint-store.ts'

type Progress = {
  epoch: bigint
  eventsOffset: bigint
  commandsOffset: bigint | undefined
  lastEventId: string | undefined
  generation: number
  readonly logIdentity: string
}

type Storage = {
  readonly stored: Map<string, Map<string, CheckpointRow & { readonly generation: number }>>
  readonly progress: Map<number, Progress>
}

export type MemoryCheckpointStore = CheckpointStore & {
  /** The same rows as a release sees them whose states are of another generation. */
  ofGeneration(generation: number): MemoryCheckpointStore
}

/** For simulation: the same guarantees without a database. Survives as long as the object does. */
export function memoryCheckpointStore(generation = 1): MemoryCheckpointStore {
  return storeOver({ stored: new Map(), progress: new Map() }, generation)
}

function storeOver({ stored, progress }: Storage, generation: number): MemoryCheckpointStore {
  return {
    // Async, so that what it refuses is a rejection.
    async takeOver(partition, logIdentity) {
      let row = progress.get(partition)
      if (row === undefined) {
        const nothing = { eventsOffset: 0n, commandsOffset: undefined, lastEventId: undefined }
        row = { epoch: 0n, ...nothing, generation, logIdentity }
        progress.set(partition, row)
      }
      if (row.logIdentity !== logIdentity) {
        throw new SaldoError('SALDO_LOG_MISMATCH', 'the progress belongs to another log')
      }
      refuseNewer(partition, row.generation, generation)
      if (row.generation < generation) {
        row.generation = generation
        row.eventsOffset = 0n
        row.lastEventId = undefined
      }
      row.epoch++
      return { ...row }
    },
    save(batch) {
      const row = progress.get(batch.partition)
      const isCurrent = row?.epoch === batch.epoch && row.generation === generation
      if (!isCurrent || row.eventsOffset !== batch.fromEventsOffset) {
        return Promise.resolve('fenced')
      }
      for (const state of batch.rows) {
        const ledger = stored.get(state.userId) ?? new Map()
        stored.set(state.userId, ledger)
        const key = `${state.stateType}/${state.stateId}`
        const before = ledger.get(key)
        const isNewer = before?.generation !== generation || state.sequence > before.sequence
        if (isNewer) ledger.set(key, { ...state, generation })
      }
      row.eventsOffset = batch.toEventsOffset
      row.commandsOffset = batch.commandsOffset
      row.lastEventId = batch.lastEventId
      return Promise.resolve('saved')
    },
    async load({ ledgers, transactions }) {
      const rows: CheckpointRow[] = []
      const take = (row: (CheckpointRow & { readonly generation: number }) | undefined): void => {
        if (row !== undefined) refuseNewerRow(row.generation, generation)
        if (row?.generation !== generation) return
        const { generation: _, ...state } = row
        rows.push(state)
      }
      for (const userId of ledgers) {
        for (const row of stored.get(userId)?.values() ?? []) {
          if (row.stateType !== 'transaction') take(row)
        }
      }
      for (const { userId, transactionId } of transactions) {
        take(stored.get(userId)?.get(`transaction/${transactionId}`))
      }
      return rows
    },
    close: () => Promise.resolve(),
    ofGeneration: (other) => storeOver({ stored, progress }, other),
  }
}
