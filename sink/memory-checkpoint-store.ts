import { SaldoError } from '../schemas/errors.ts'
import type { CheckpointRow, CheckpointStore } from './checkpoint-store.ts'

type Progress = {
  epoch: bigint
  eventsOffset: bigint
  commandsOffset: bigint | undefined
  readonly logIdentity: string
}

/** For simulation: the same guarantees without a database. Survives as long as the object does. */
export function memoryCheckpointStore(): CheckpointStore {
  const stored = new Map<string, Map<string, CheckpointRow>>()
  const progress = new Map<number, Progress>()
  return {
    takeOver(partition, logIdentity) {
      let row = progress.get(partition)
      if (row === undefined) {
        row = { epoch: 0n, eventsOffset: 0n, commandsOffset: undefined, logIdentity }
        progress.set(partition, row)
      }
      if (row.logIdentity !== logIdentity) {
        const message = 'the progress belongs to another log'
        return Promise.reject(new SaldoError('SALDO_LOG_MISMATCH', message))
      }
      row.epoch++
      return Promise.resolve({ ...row })
    },
    save(batch) {
      const row = progress.get(batch.partition)
      if (row?.epoch !== batch.epoch || row.eventsOffset !== batch.fromEventsOffset) {
        return Promise.resolve('fenced')
      }
      for (const state of batch.rows) {
        const ledger = stored.get(state.userId) ?? new Map<string, CheckpointRow>()
        stored.set(state.userId, ledger)
        const key = `${state.stateType}/${state.stateId}`
        if (state.sequence > (ledger.get(key)?.sequence ?? 0)) ledger.set(key, state)
      }
      row.eventsOffset = batch.toEventsOffset
      row.commandsOffset = batch.commandsOffset
      return Promise.resolve('saved')
    },
    load({ ledgers, transactions }) {
      const rows: CheckpointRow[] = []
      for (const userId of ledgers) {
        for (const row of stored.get(userId)?.values() ?? []) {
          if (row.stateType !== 'transaction') rows.push(row)
        }
      }
      for (const { userId, transactionId } of transactions) {
        const row = stored.get(userId)?.get(`transaction/${transactionId}`)
        if (row !== undefined) rows.push(row)
      }
      return Promise.resolve(rows)
    },
    close: () => Promise.resolve(),
  }
}
