import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { STATES_GENERATION } from '../../actors/generation.ts'
import { eventCodec } from '../../schemas/codec.ts'
import { foldedNow, goldenFolds, readable } from '../support/golden-folds.ts'

const remedy =
  'an evolve changed: raise STATES_GENERATION in actors/generation.ts, then run `node tests/support/write-golden-folds.ts`'

describe.each(goldenFolds())('the history %s', (_file, { generation, events, states }) => {
  test('was folded by the evolve of this generation', () => {
    expect(generation, remedy).toBe(STATES_GENERATION)
  })

  test('folds into the states that checkpoints of this generation hold', async () => {
    expect(events.length).toBeGreaterThan(0)
    const now = await foldedNow(events)
    expect(now.map(readable), remedy).toEqual(states.map(readable))
  })
})

test('together the histories hold every event type of the first release', () => {
  const folded: readonly string[] = goldenFolds().flatMap(([, { events }]) =>
    events.map((hex) => eventCodec.decode(Buffer.from(hex, 'hex')).body.type),
  )
  const file = '../fixtures/released/saldo.ledger.v1.LedgerEvent.001.json'
  const { records } = JSON.parse(readFileSync(path.join(import.meta.dirname, file), 'utf8')) as {
    readonly records: readonly { readonly value: { readonly body: { readonly type: string } } }[]
  }
  const released = new Set(records.map(({ value }) => value.body.type))
  expect(released.size).toBeGreaterThan(10)
  expect([...released].filter((type) => !folded.includes(type))).toEqual([])
})
