import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ColumnArrays, selected, textArray, unnested } from '../../sink/binary-arrays.ts'
import { openPool } from '../../sink/postgres/pool.ts'
import { tables, type Row } from '../../sink/tables.ts'
import { describePostgres } from '../support/postgres.ts'

const columns = [
  ['words', 'texts'],
  ['word', 'text'],
] as const

describePostgres('rows as arrays', (database) => {
  test('texts of texts come back, whatever quotes, commas and braces are in them, and so does null', async () => {
    const pool = openPool(database.url, { role: 'test', max: 1 })
    const odd = fc.string({
      unit: fc.constantFrom('"', '\\', ',', '{', '}', ' ', 'a', 'NULL', 'ø'),
    })
    const rows = fc.array(
      fc.record({ words: fc.option(fc.array(odd, { maxLength: 3 })), word: fc.option(odd) }),
      { maxLength: 4 },
    )
    const comesBack = fc.asyncProperty(rows, async (some) => {
      const arrays = new ColumnArrays()
      arrays.add(columns, some)
      const { rows: found } = await pool.query<Row>(
        `SELECT ${selected(columns, 'i')} FROM ${unnested(columns, 1, 'i')}`,
        [...arrays.take()],
      )
      expect(found).toEqual(some)
    })
    await fc.assert(comesBack, { numRuns: 50 })
    await pool.end()
  })

  test('one array of texts comes back as it was, none and many of them', async () => {
    const pool = openPool(database.url, { role: 'test', max: 1 })
    const ids = Array.from({ length: 1000 }, (_, index) => `ø-${index}-`.repeat(index % 12))
    for (const texts of [[], ['{"NULL",\\}'], ids]) {
      const { rows } = await pool.query<{ came: string[] }>('SELECT $1::text[] AS came', [
        textArray(texts),
      ])
      expect(rows[0]?.came).toEqual(texts)
    }
    await pool.end()
  })

  test('what was taken stays as it was when more is added', () => {
    const arrays = new ColumnArrays()
    arrays.add([['word', 'text']], [{ word: 'first' }])
    const taken = arrays.take()
    const copies = taken.map((bytes) => Buffer.from(bytes))
    arrays.add(Object.entries(tables.categories.columns), [])
    arrays.add([['word', 'text']], [{ word: 'other' }])
    expect(taken).toEqual(copies)
    expect(arrays.take()).toHaveLength(Object.keys(tables.categories.columns).length + 1)
  })
})
