/**
 * The log in memory, for tests and simulation: deterministic, seeded, without a clock or a timer.
 *
 * Invariant: it does everything the port allows and no adapter does often. Offsets jump, aborted batches use offsets up
 * and stay invisible, answers get lost before and after a commit took effect, and a replaced owner may not be told.
 */
import { SaldoError } from '../../schemas/errors.ts'
import {
  recordsRemoved,
  type BatchLimit,
  type GroupPlace,
  type Lease,
  type Log,
  type Place,
  type Producer,
  type Slice,
  type StoredRecord,
} from './log.ts'
import { appendsInTurn } from './appends-in-turn.ts'
import { firstAt, sliceOf, Storage, type Group } from './memory-storage.ts'

export type LogStep =
  | 'append'
  | 'acquire'
  | 'read'
  | 'end'
  | 'before-commit'
  | 'after-commit'
  | 'confirm'
/** `fail`: refused, nothing happened. `in-doubt`: the answer is lost; what the step does has happened, except before a commit. */
export type LogFault = 'none' | 'fail' | 'in-doubt'

export type MemoryLogOptions = {
  readonly partitions: number
  readonly seed: number
  readonly now: () => number
  /** Asked at every step. A promise holds the step up, so that others come in between. */
  readonly fault?: (step: LogStep, place: Place) => LogFault | Promise<LogFault>
}

export type MemoryLog = Log & {
  /** Another instance over the same records, as another process has. */
  reopen(options?: Partial<MemoryLogOptions>): MemoryLog
  /** The end of this process: whatever it calls from now on fails, what is committed stays. */
  crash(): void
  /** No signal reaches this instance any more: its owners learn that they were replaced from a refused commit. */
  cutOff(): void
  /** What retention does: records before the offset go, and the topic starts there. */
  removeBefore(place: Place, offset: bigint): void
  /** For a judge: every committed record, and where a group stands. */
  committed(place: Place): readonly StoredRecord[]
  groupOffset(place: GroupPlace): bigint | undefined
}

export function memoryLog(options: MemoryLogOptions): MemoryLog {
  return instance(new Storage(options.partitions, options.seed), options)
}

function instance(storage: Storage, options: MemoryLogOptions): MemoryLog {
  const dead = new AbortController()
  let deaf = false
  const step = async (name: LogStep, place: Place): Promise<LogFault> => {
    if (dead.signal.aborted) throw unavailable('this process has ended')
    const fault = (await options.fault?.(name, place)) ?? 'none'
    if (dead.signal.aborted) throw unavailable('this process has ended')
    if (fault === 'fail' && name !== 'before-commit') throw unavailable(`${name} was refused`)
    return fault
  }
  const slice = async (place: Place, offset: bigint, limit: BatchLimit): Promise<Slice> => {
    await step('read', place)
    const stored = storage.stored(place)
    if (offset < stored.start) throw recordsRemoved(place, offset, stored.start)
    return sliceOf(stored, offset, limit)
  }
  return {
    partitions: storage.partitions,
    identity: storage.identity,
    gapless: false,
    producer: () => appendsInTurn(producerOf(storage, options, step)),
    async acquire(place) {
      const fault = await step('acquire', place)
      const lost = new AbortController()
      const group = raiseEpoch(storage, place, () => {
        if (!deaf) lost.abort()
      })
      if (fault === 'in-doubt') throw unavailable('the answer to a take-over was lost')
      dead.signal.addEventListener('abort', () => lost.abort())
      return leaseOf(storage, options, { place, group, lost, step })
    },
    read: slice,
    async start(place) {
      await step('end', place)
      return storage.stored(place).start
    },
    async end(place) {
      await step('end', place)
      return storage.stored(place).end
    },
    async position(place) {
      await step('end', place)
      return storage.group(place).committed
    },
    async arrival(place, offset, signal) {
      if (signal.aborted || dead.signal.aborted || storage.stored(place).end > offset) return
      const { promise, resolve } = Promise.withResolvers<void>()
      const signals = [signal, dead.signal]
      storage.waiting.add(resolve)
      for (const each of signals) each.addEventListener('abort', () => resolve())
      await promise
      storage.waiting.delete(resolve)
    },
    close: () => Promise.resolve(),
    reopen(changes = {}) {
      const { partitions = storage.partitions } = changes
      if (partitions !== storage.partitions) {
        throw new SaldoError(
          'SALDO_LOG_MISMATCH',
          `the log has ${storage.partitions} partitions, not ${partitions}: their number is fixed for life`,
        )
      }
      return instance(storage, { ...options, ...changes })
    },
    crash: () => dead.abort(),
    cutOff() {
      deaf = true
    },
    removeBefore(place, offset) {
      const stored = storage.stored(place)
      if (offset < stored.start || offset > stored.end) throw new Error('offsets outside the topic')
      stored.records.splice(0, firstAt(stored.records, offset))
      stored.start = offset
    },
    committed: (place) => [...storage.stored(place).records],
    groupOffset: (place) => storage.group(place).committed,
  }
}

type Step = (name: LogStep, place: Place) => Promise<LogFault>

function producerOf(storage: Storage, { now }: MemoryLogOptions, step: Step): Producer {
  const producer = storage.newProducer()
  let number = 0
  return {
    async append(records) {
      const first = records[0]
      if (first === undefined) return
      number++
      const fault = await step('append', first)
      for (const record of records) storage.stored(record)
      storage.appendOnce(producer, number, records, now())
      // The answer was lost, so the producer sends the same number again.
      if (fault === 'in-doubt') storage.appendOnce(producer, number, records, now())
    },
    close: () => Promise.resolve(),
  }
}

function raiseEpoch(storage: Storage, place: GroupPlace, replaced: () => void): Group {
  storage.stored(place)
  const group = storage.group(place)
  group.owner?.abort()
  group.epoch++
  group.owner = new AbortController()
  group.owner.signal.addEventListener('abort', replaced)
  return { ...group }
}

function leaseOf(
  storage: Storage,
  { now }: MemoryLogOptions,
  lease: {
    readonly place: GroupPlace
    readonly group: Group
    readonly lost: AbortController
    readonly step: Step
  },
): Lease {
  const { place, group, lost, step } = lease
  const refuseReplaced = (current: Group): void => {
    if (current.epoch === group.epoch) return
    lost.abort()
    throw new SaldoError('SALDO_LEASE_FENCED', `partition ${place.partition} has a newer owner`, {
      retryable: true,
    })
  }
  return {
    place,
    epoch: group.epoch,
    committed: group.committed,
    lost: lost.signal,
    async commit(records, nextOffset) {
      const before = await step('before-commit', place)
      const current = storage.group(place)
      refuseReplaced(current)
      if (before !== 'none') storage.abort(records)
      if (before === 'fail') throw unavailable('a commit was refused')
      if (before === 'in-doubt') throw inDoubt()
      for (const record of records) storage.stored(record)
      storage.write(records, now())
      current.committed = nextOffset
      const after = await step('after-commit', place).catch(() => 'in-doubt')
      if (after !== 'none') throw inDoubt()
    },
    async confirm() {
      await step('confirm', place)
      refuseReplaced(storage.group(place))
    },
    release() {
      lost.abort()
      return Promise.resolve()
    },
  }
}

function unavailable(message: string): SaldoError {
  return new SaldoError('SALDO_LOG_UNAVAILABLE', message, { retryable: true })
}

function inDoubt(): SaldoError {
  return new SaldoError('SALDO_COMMIT_IN_DOUBT', 'the answer to a commit was lost', {
    retryable: true,
  })
}
