import { describe, expect, test } from 'vitest'
import { LedgerHost } from '../../actors/host/host.ts'
import { eventToJson } from '../../connectors/answer-json.ts'
import { openEvent, openPersonal, sealPersonal } from '../../privacy/personal.ts'
import { subjectKey } from '../../privacy/subject-key.ts'
import { eventCodec } from '../../schemas/codec.ts'
import { personalOf } from '../../schemas/opened-event.ts'
import type { LedgerCommandBody, LedgerEvent } from '../../schemas/types.ts'
import { memoryCheckpointStore } from '../../sink/memory-checkpoint-store.ts'
import { foldBatch } from '../../topology/fold-batch.ts'
import { loadMissing } from '../../topology/ledger-loader.ts'
import type { Sourced } from '../../topology/processors/processor.ts'
import { toCheckpointRow } from '../../topology/state-codec.ts'
import { ledgerTables } from '../../topology/table-reader.ts'
import { amended, created, deleted, groceries, opened } from '../support/example-commands.ts'
import { memoryKeys } from '../support/memory-keys.ts'
import { eventsOfBodies } from '../support/sourced-events.ts'
import { USER_ID } from '../support/specification.ts'

const key = subjectKey(Buffer.alloc(32, 1))
const other = subjectKey(Buffer.alloc(32, 2))
const texts = personalOf({ description: 'corner shop', note: 'for the party 😀' })

const wishes: readonly LedgerCommandBody[] = [
  opened,
  groceries,
  amended({ amountMinor: -99n, note: 'it was cheaper' }),
  created('c-1', 'Pets'),
  { type: 'OverrideCategory', transactionId: 't-1', categoryId: 'c-1' },
  { type: 'RenameCategory', categoryId: 'c-1', name: 'Animals' },
  { type: 'RenameAccount', accountId: 'a-1', name: 'Household' },
  deleted,
  { type: 'DeleteCategory', categoryId: 'c-1' },
  { type: 'CloseAccount', accountId: 'a-1' },
]

/** The events of the wishes as they are in the log, sealed with the key. */
const sealedEvents: readonly LedgerEvent[] = eventsOfBodies(...wishes).map((event) => {
  if (event.personal === 'not-readable') throw new Error('a new event is readable')
  const sealed = { ...event, personal: sealPersonal(key, event.personal, event) }
  return eventCodec.decode(eventCodec.encode(sealed))
})
const first = sealedEvents[0] as LedgerEvent

describe('the texts of an event', () => {
  test('open again with the key of their user', () => {
    const place = { userId: 'user-1', eventId: 'event-1' }
    const personal = sealPersonal(key, texts, place)
    expect(openPersonal(key, { ...first, ...place, personal })).toEqual(texts)
    expect(sealedEvents.map((event) => openEvent(key, event).personal)).toEqual(
      eventsOfBodies(...wishes).map(({ personal }) => personal),
    )
  })

  test('are sealed only where there are any', () => {
    expect(sealPersonal(key, null, first)).toBeNull()
    for (const one of [key, undefined, 'shredded'] as const) {
      expect(openPersonal(one, { ...first, personal: null })).toBeNull()
    }
  })

  test('are sealed anew each time, so that a sequence that is used again shows nothing', () => {
    expect(sealPersonal(key, texts, first)).not.toEqual(sealPersonal(key, texts, first))
  })

  test('do not open in another event, for another user or with another key', () => {
    expect(() => openPersonal(key, { ...first, eventId: 'another' })).toThrow()
    expect(() => openPersonal(key, { ...first, userId: 'another' })).toThrow()
    expect(() => openPersonal(other, first)).toThrow()
  })

  test('read as not readable where the key is shredded or gone', () => {
    for (const event of sealedEvents.filter(({ personal }) => personal !== null)) {
      expect(openEvent('shredded', event)).toEqual({ ...event, personal: 'not-readable' })
      expect(openEvent(undefined, event)).toEqual({ ...event, personal: 'not-readable' })
    }
  })
})

describe('a subject whose key is shredded crashes nothing', () => {
  const events = sealedEvents.map((event) => openEvent('shredded', event))

  test('its events are printed without texts', () => {
    const json = JSON.stringify(events.map(eventToJson))
    expect(json).toContain('"personal":"not-readable"')
    for (const { personal } of eventsOfBodies(...wishes)) {
      for (const text of Object.values(personal ?? {})) expect(json).not.toContain(text ?? '\0')
    }
  })

  test('every table folds its events; names and texts are null, amounts as they were', async () => {
    const sources = events.map((item, n): Sourced<(typeof events)[0]> => {
      return { item, partition: 0, offset: BigInt(n), value: Buffer.alloc(0) }
    })
    // Until the transaction is deleted there is a row in every table.
    const begun = sources.slice(0, 7)
    const rows = new Map<string, unknown>()
    for (const processor of ledgerTables.processors) {
      for (const some of [begun, sources]) await foldBatch(processor, some, async () => [])
      const write = await foldBatch(processor, begun, async () => [])
      rows.set(processor.name, [...(write.fresh ?? []), ...write.rows])
    }
    expect(rows.get('accounts')).toMatchObject([
      { name: null, bank_name: null, balance_minor: -99n, status: 'open' },
    ])
    expect(rows.get('transactions')).toMatchObject([
      { description: null, merchant: null, counterparty: null, note: null, amount_minor: -99n },
    ])
    expect(rows.get('categories')).toMatchObject([{ name: null, status: 'active', version: 2 }])
    expect(rows.get('daily-aggregates')).toContainEqual(
      expect.objectContaining({ category_id: 'c-1', total_minor: 99n, transaction_count: 1 }),
    )
    expect(rows.get('event-archive')).toHaveLength(begun.length)
  })

  test('its checkpoint is not loaded, and its ledger answers that it was erased', async () => {
    const keys = memoryKeys()
    const store = memoryCheckpointStore()
    const { epoch } = await store.takeOver(0, 'log')
    const held = {
      state: {
        preferences: { baseCurrency: 'NOK', timeZone: 'UTC', locale: 'en' },
        advancedUntil: null,
      },
      sequence: 1,
      version: 1,
    }
    const offsets = { fromEventsOffset: 0n, toEventsOffset: 1n, commandsOffset: 1n }
    const rows = [toCheckpointRow(key, USER_ID, 'profile', '', held)]
    expect(await store.save({ partition: 0, epoch, ...offsets, rows })).toBe('saved')
    keys.shred(USER_ID)
    const host = new LedgerHost(1)
    try {
      await loadMissing(host, { ledgers: [USER_ID], transactions: [] }, store, keys)
      expect(host.ledger(USER_ID)?.profile.held.sequence).toBe(0)
    } finally {
      host.stop()
    }
  })
})
