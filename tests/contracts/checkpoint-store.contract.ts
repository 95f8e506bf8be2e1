/** What every checkpoint store promises (sink/checkpoint-store.ts), whatever it is made of. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type {
  CheckpointBatch,
  CheckpointProgress,
  CheckpointRow,
  CheckpointStore,
} from '../../sink/checkpoint-store.ts'
import { codeOf } from './log-records.ts'

const LOG = '00000000-0000-4000-8000-000000000001'
const OTHER_LOG = '00000000-0000-4000-8000-000000000002'

export type OpenedStore = {
  readonly store: CheckpointStore
  /** Another instance over the same rows, as another process has; of generation 1 unless told. */
  reopen(generation?: number): Promise<CheckpointStore>
  close(): Promise<void>
}

function row(changes: Partial<CheckpointRow> = {}): CheckpointRow {
  return {
    userId: 'user-1',
    stateType: 'account',
    stateId: 'a-1',
    sequence: 1,
    version: 1,
    state: Buffer.from('one'),
    ...changes,
  }
}

/** The next batch of an owner that took over with this progress. */
function batch(
  { epoch, eventsOffset }: CheckpointProgress,
  rows: readonly CheckpointRow[],
  changes: Partial<CheckpointBatch> = {},
): CheckpointBatch {
  return {
    partition: 0,
    epoch,
    fromEventsOffset: eventsOffset,
    toEventsOffset: eventsOffset + 10n,
    commandsOffset: 20n,
    rows,
    ...changes,
  }
}

async function accountOf(store: CheckpointStore, userId = 'user-1'): Promise<string | undefined> {
  const rows = await store.load({ ledgers: [userId], transactions: [] })
  return rows.find(({ stateType }) => stateType === 'account')?.state.toString()
}

export function describeCheckpointStoreContract(
  name: string,
  open: () => Promise<OpenedStore>,
): void {
  describe(name, () => {
    let opened: OpenedStore
    let store: CheckpointStore
    beforeEach(async () => {
      opened = await open()
      store = opened.store
    })
    afterEach(() => opened.close())

    test('rows come back as they were, and what has none is missing', async () => {
      const owner = await store.takeOver(0, LOG)
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, n) => n))
      const rows = [
        row({ sequence: 3, version: 2, state: bytes }),
        row({ stateType: 'root', stateId: 'root', sequence: 3, version: 3 }),
        row({ stateType: 'transaction', stateId: 't-1', state: Buffer.alloc(0) }),
        row({ stateType: 'transaction', stateId: 't-2' }),
        row({ userId: 'tab\tand \\ back', stateId: 'line\nfeed' }),
      ]
      expect(await store.save(batch(owner, rows))).toBe('saved')
      const loaded = await (
        await opened.reopen()
      ).load({
        ledgers: ['user-1', 'tab\tand \\ back', 'nobody'],
        transactions: [
          { userId: 'user-1', transactionId: 't-1' },
          { userId: 'user-1', transactionId: 't-9' },
          { userId: 'nobody', transactionId: 't-2' },
        ],
      })
      const inOrder = (all: readonly CheckpointRow[]): readonly CheckpointRow[] =>
        all.toSorted((a, b) => (a.userId + a.stateType < b.userId + b.stateType ? -1 : 1))
      const wanted = rows.filter(({ stateId }) => stateId !== 't-2')
      expect(inOrder(loaded)).toEqual(inOrder(wanted))
    })

    test('nothing wanted is nothing loaded', async () => {
      expect(await store.load({ ledgers: [], transactions: [] })).toEqual([])
    })

    test('a row is never replaced by an older one, nor by one of the same event', async () => {
      const first = await store.takeOver(0, LOG)
      await store.save(batch(first, [row({ sequence: 5, state: Buffer.from('five') })]))
      const second = await store.takeOver(0, LOG)
      for (const sequence of [4, 5]) {
        const older = row({ sequence, state: Buffer.from('not newer') })
        const next = await store.takeOver(0, LOG)
        expect(await store.save(batch(next, [older, row({ stateId: `a-${sequence}` })]))).toBe(
          'saved',
        )
      }
      expect(second.epoch).toBeGreaterThan(first.epoch)
      expect(await accountOf(store)).toBe('five')
      const last = await store.takeOver(0, LOG)
      await store.save(batch(last, [row({ sequence: 6, state: Buffer.from('six') })]))
      expect(await accountOf(store)).toBe('six')
    })

    test('a partition without a checkpoint starts at the beginning', async () => {
      const progress = await store.takeOver(0, LOG)
      expect(progress).toMatchObject({
        eventsOffset: 0n,
        commandsOffset: undefined,
        logIdentity: LOG,
      })
    })

    test('rows and progress are there together, for whoever takes over', async () => {
      const owner = await store.takeOver(0, LOG)
      expect(await store.save(batch(owner, [row()]))).toBe('saved')
      const next = await (await opened.reopen()).takeOver(0, LOG)
      expect(next).toMatchObject({ eventsOffset: 10n, commandsOffset: 20n })
      expect(next.epoch).toBeGreaterThan(owner.epoch)
      expect(await accountOf(store)).toBe('one')
    })

    test('an owner saves again and again, each time from where it stood', async () => {
      const owner = await store.takeOver(0, LOG)
      expect(await store.save(batch(owner, []))).toBe('saved')
      const on = { ...owner, eventsOffset: 10n }
      expect(await store.save(batch(on, [row()], { commandsOffset: 21n }))).toBe('saved')
      expect(await store.takeOver(0, LOG)).toMatchObject({ eventsOffset: 20n, commandsOffset: 21n })
    })

    test('an owner that was replaced saves nothing: no row, no progress', async () => {
      const old = await store.takeOver(0, LOG)
      await (await opened.reopen()).takeOver(0, LOG)
      expect(await store.save(batch(old, [row()]))).toBe('fenced')
      expect(await accountOf(store)).toBeUndefined()
      expect(await store.takeOver(0, LOG)).toMatchObject({
        eventsOffset: 0n,
        commandsOffset: undefined,
      })
    })

    test('a save from another offset than the one that is stored saves nothing', async () => {
      const owner = await store.takeOver(0, LOG)
      await store.save(batch(owner, []))
      for (const fromEventsOffset of [0n, 9n, 11n]) {
        const wrong = batch(owner, [row()], { fromEventsOffset, toEventsOffset: 30n })
        expect(await store.save(wrong)).toBe('fenced')
      }
      expect(await accountOf(store)).toBeUndefined()
      expect(await store.takeOver(0, LOG)).toMatchObject({ eventsOffset: 10n })
    })

    test('a save that was refused leaves nothing for the next one', async () => {
      const old = await store.takeOver(0, LOG)
      const current = await store.takeOver(0, LOG)
      await store.save(batch(old, [row({ sequence: 9, state: Buffer.from('refused') })]))
      await store.save(batch(current, [row({ userId: 'user-2' })]))
      expect(await accountOf(store)).toBeUndefined()
      expect(await accountOf(store, 'user-2')).toBe('one')
    })

    test('a save without a take-over is refused', async () => {
      const nobody = { epoch: 0n, eventsOffset: 0n, commandsOffset: undefined, logIdentity: LOG }
      expect(await store.save(batch(nobody, [row()], { partition: 7 }))).toBe('fenced')
    })

    test('partitions are apart, also when they save at once', async () => {
      const [zero, one] = [await store.takeOver(0, LOG), await store.takeOver(1, LOG)]
      const answers = await Promise.all([
        store.save(batch(zero, [row()])),
        store.save(batch(one, [row({ userId: 'user-2' })], { partition: 1, toEventsOffset: 5n })),
      ])
      expect(answers).toEqual(['saved', 'saved'])
      expect((await store.takeOver(0, LOG)).eventsOffset).toBe(10n)
      expect((await store.takeOver(1, LOG)).eventsOffset).toBe(5n)
    })

    test('checkpoints that were made from another log are refused, and stay as they are', async () => {
      const owner = await store.takeOver(0, LOG)
      expect(await codeOf(store.takeOver(0, OTHER_LOG))).toBe('SALDO_LOG_MISMATCH')
      const next = await opened.reopen(2)
      expect(await codeOf(next.takeOver(0, OTHER_LOG))).toBe('SALDO_LOG_MISMATCH')
      expect(await store.save(batch(owner, [row()]))).toBe('saved')
    })

    test('the last event is kept with the progress, and forgotten where it is not known', async () => {
      const owner = await store.takeOver(0, LOG)
      await store.save(batch(owner, [], { lastEventId: 'event-9' }))
      const next = await store.takeOver(0, LOG)
      expect(next.lastEventId).toBe('event-9')
      await store.save(batch(next, []))
      expect((await store.takeOver(0, LOG)).lastEventId).toBeUndefined()
    })

    describe('of two generations', () => {
      const two = Buffer.from('two')

      test('a newer one starts at the first event, without a row, and knows the commands', async () => {
        const owner = await store.takeOver(0, LOG)
        const older = row({ stateType: 'transaction', stateId: 't-1', sequence: 9 })
        await store.save(batch(owner, [row({ sequence: 9 }), older], { lastEventId: 'event-9' }))
        const newer = await opened.reopen(2)
        const next = await newer.takeOver(0, LOG)
        expect(next).toMatchObject({ eventsOffset: 0n, commandsOffset: 20n })
        expect(next.lastEventId).toBeUndefined()
        const transactions = [{ userId: 'user-1', transactionId: 't-1' }]
        expect(await newer.load({ ledgers: ['user-1'], transactions })).toEqual([])
      })

      test('rows of the newer one replace those of the older, whatever their sequence', async () => {
        const owner = await store.takeOver(0, LOG)
        await store.save(batch(owner, [row({ sequence: 9 })]))
        const newer = await opened.reopen(2)
        const next = await newer.takeOver(0, LOG)
        expect(await newer.save(batch(next, [row({ sequence: 2, state: two })]))).toBe('saved')
        expect(await accountOf(newer)).toBe('two')
        const on = { ...next, eventsOffset: 10n }
        await newer.save(batch(on, [row({ sequence: 1, state: Buffer.from('older') })]))
        expect(await accountOf(newer)).toBe('two')
        expect(await newer.takeOver(0, LOG)).toMatchObject({ eventsOffset: 20n })
      })

      test('the older owner saves nothing any more, and whoever is older is refused', async () => {
        const old = await store.takeOver(0, LOG)
        const newer = await opened.reopen(2)
        const next = await newer.takeOver(0, LOG)
        expect(await store.save(batch(old, [row()]))).toBe('fenced')
        expect(await codeOf(store.takeOver(0, LOG))).toBe('SALDO_RELEASE_OUTDATED')
        // The one that was refused has fenced nobody.
        expect(await newer.save(batch(next, [row({ state: two })]))).toBe('saved')
        expect(await accountOf(newer)).toBe('two')
        // Not an empty ledger: the owner of the log may be older than that of the checkpoints.
        expect(await codeOf(accountOf(store))).toBe('SALDO_RELEASE_OUTDATED')
      })
    })
  })
}
