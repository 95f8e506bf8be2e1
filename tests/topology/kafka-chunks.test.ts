import { describe, expect, test } from 'vitest'
import { inRounds } from '../../topology/log/kafka-chunks.ts'
import { record } from '../contracts/log-records.ts'

const sizes = (rounds: ReturnType<typeof inRounds>) =>
  rounds.map((chunks) =>
    chunks.map(({ topic, partition, records }) => [topic, partition, records.length]),
  )

describe('what is appended', () => {
  test('goes to each partition in one request where it fits', () => {
    const records = [
      record('a', 'ledger.events', 0),
      record('o', 'ledger.outcomes', 0),
      record('b', 'ledger.events', 0),
      record('x', 'ledger.events', 1),
    ]
    expect(sizes(inRounds(records))).toEqual([
      [
        ['ledger.events', 0, 2],
        ['ledger.outcomes', 0, 1],
        ['ledger.events', 1, 1],
      ],
    ])
    expect(inRounds([])).toEqual([])
  })

  test('is split by bytes, in order, and a record that is too large is alone', () => {
    const values = ['a'.repeat(500_000), 'b'.repeat(500_000), 'c'.repeat(2_000_000), 'd', 'e']
    const rounds = inRounds([
      ...values.map((value) => record(value)),
      record('o', 'ledger.outcomes'),
    ])
    const firsts = rounds.map(([chunk]) =>
      chunk?.records.map(({ value }) => value.toString()[0]).join(''),
    )
    expect(firsts).toEqual(['a', 'b', 'c', 'de'])
    expect(rounds.map(({ length }) => length)).toEqual([2, 1, 1, 1])
  })
})
