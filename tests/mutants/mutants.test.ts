import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { mutants, type Mutant } from './mutants.ts'
import { edited } from './source-copy.ts'

const sourcesOf = ({ edits }: Mutant) =>
  new Map(edits.map(({ file }) => [file, readFileSync(file, 'utf8')]))

test.each(mutants)('the mutant "$name" can be made, and differs from the source', (mutant) => {
  const sources = sourcesOf(mutant)
  const broken = edited(mutant, sources)
  expect([...broken].filter(([file, text]) => text !== sources.get(file))).toHaveLength(
    sources.size,
  )
})

test('a text that is gone, or stands in two places, is no mutant', () => {
  const edits = [{ file: 'a.ts', from: 'one', to: 'two' }]
  expect(() => edited({ name: 'x', edits }, new Map([['a.ts', 'three']]))).toThrow(/exactly once/)
  expect(() => edited({ name: 'x', edits }, new Map([['a.ts', 'one one']]))).toThrow(/exactly once/)
})

test('the header of the simulation lists what it catches, and what only other suites see', () => {
  const source = readFileSync('tests/simulation/crash-recovery.sim.test.ts', 'utf8')
  const header = source.slice(0, source.indexOf('*/')).replaceAll(/\s*\n \* /g, ' ')
  const [, caught = '', elsewhere = ''] =
    /Catches: (.*?)\. Seen by other suites only: (.*?)\./.exec(header) ?? []
  const names = (chosen: readonly Mutant[]) => chosen.map(({ name }) => name).join('; ')
  expect(caught).toBe(names(mutants.filter(({ seenBy }) => seenBy === undefined)))
  expect(elsewhere).toBe(names(mutants.filter(({ seenBy }) => seenBy !== undefined)))
})

test('the suites that are named exist', () => {
  expect(mutants.filter(({ seenBy }) => seenBy !== undefined && !existsSync(seenBy.suite))).toEqual(
    [],
  )
})
