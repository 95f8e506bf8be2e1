/**
 * Brings `tests/fixtures/folds` to the generation of now: `node tests/support/write-golden-folds.ts`. Events are written
 * once, by running the commands below; a release that adds an event type adds a history with it. States are written
 * again only under a raised generation, because checkpoints that are out there hold the old ones.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { STATES_GENERATION } from '../../actors/generation.ts'
import type { LedgerCommandBody } from '../../schemas/types.ts'
import { start, send } from './actor-run.ts'
import { newWorld } from './actor-world.ts'
import { foldedNow, GOLDEN_FOLDS, readable, type GoldenFold } from './golden-folds.ts'

const AT = Date.UTC(2026, 2, 14, 12)
const nothing = { description: null, merchant: null, counterparty: null, note: null }

function purchase(
  transactionId: string,
  amountMinor: bigint,
  accountId = 'a-1',
): LedgerCommandBody {
  const common = { occurredAt: AT, bookedOn: 20_500, source: 'manual', mcc: '5411' } as const
  return {
    type: 'RecordTransaction',
    transactionId,
    accountId,
    amountMinor,
    currency: 'NOK',
    categoryId: null,
    rawData: null,
    ...common,
    ...nothing,
    description: 'REMA 1000 OSLO',
  }
}

function account(accountId: string): LedgerCommandBody {
  const kind = 'checking'
  return { type: 'OpenAccount', accountId, kind, currency: 'NOK', name: accountId, bankName: null }
}

/** By file. A history that is written is never edited. */
const histories: { readonly [file: string]: readonly LedgerCommandBody[] } = {
  '001-accounts-transactions-categories.json': [
    { type: 'SetPreferences', baseCurrency: 'NOK', timeZone: 'Europe/Oslo', locale: 'nb' },
    account('a-1'),
    account('a-2'),
    { type: 'RenameAccount', accountId: 'a-1', name: 'Everyday' },
    { type: 'CloseAccount', accountId: 'a-2' },
    { type: 'CreateCategory', categoryId: 'c-1', name: 'Boat' },
    { type: 'CreateCategory', categoryId: 'c-2', name: 'Cabin' },
    { type: 'RenameCategory', categoryId: 'c-1', name: 'Sailing boat' },
    purchase('t-1', -24_990n),
    purchase('t-2', 3_000_000n),
    purchase('t-3', -1n),
    { type: 'OverrideCategory', transactionId: 't-1', categoryId: 'c-1' },
    {
      type: 'AmendTransaction',
      transactionId: 't-1',
      amountMinor: -25_090n,
      occurredAt: null,
      bookedOn: null,
      ...nothing,
      note: 'with a bag',
    },
    { type: 'DeleteTransaction', transactionId: 't-3' },
    { type: 'DeleteCategory', categoryId: 'c-2' },
  ],
}

async function eventsOf(bodies: readonly LedgerCommandBody[]): Promise<readonly string[]> {
  const world = newWorld({ seed: 1, now: () => AT })
  const commands = bodies.map((body, index) => ({
    commandId: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
    userId: 'user-1',
    issuedAt: AT,
    expectedVersion: null,
    initiator: { kind: 'user', id: 'user-1' } as const,
    traceparent: null,
    body,
  }))
  await send(world, ...commands)
  const run = start(world)
  await run.answered()
  await run.stop()
  const events = world.log.committed({ topic: 'ledger.events', partition: 0 })
  if (events.length < bodies.length) throw new Error('a command of the history was refused')
  return events.map(({ value }) => value.toString('hex'))
}

mkdirSync(GOLDEN_FOLDS, { recursive: true })
for (const [file, bodies] of Object.entries(histories)) {
  const target = path.join(GOLDEN_FOLDS, file)
  const before = existsSync(target)
    ? (JSON.parse(readFileSync(target, 'utf8')) as GoldenFold)
    : undefined
  const events = before?.events ?? (await eventsOf(bodies))
  const states = await foldedNow(events)
  const isSame = isDeepStrictEqual(states.map(readable), before?.states.map(readable))
  if (before !== undefined && before.generation >= STATES_GENERATION) {
    if (isSame) continue
    throw new Error(`${file} folds into other states: raise STATES_GENERATION first`)
  }
  const fold: GoldenFold = { generation: STATES_GENERATION, events, states }
  writeFileSync(target, `${JSON.stringify(fold, null, 2)}\n`)
  process.stdout.write(`wrote ${file}\n`)
}
