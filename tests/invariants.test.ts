import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

type Promised = { readonly name: string; readonly tests: readonly Named[] }
type Named = { readonly file: string; readonly test: string }

function promisesIn(text: string): readonly Promised[] {
  return text
    .split(/^## /m)
    .slice(1)
    .map((section) => ({
      name: section.split('\n')[0] ?? '',
      tests: [...section.matchAll(/^- `([^`]+)`: (.+)$/gm)].map(([, file = '', name = '']) => ({
        file,
        test: name,
      })),
    }))
}

/** The name as a whole string, as it stands in the source: what a table fills in is `%s` there too. */
function isIn(source: string, name: string): boolean {
  return [`'${name}'`, `"${name}"`, `\`${name}\``].some((quoted) => source.includes(quoted))
}

function problemsIn(text: string): readonly string[] {
  return promisesIn(text).flatMap(({ name, tests }) => {
    if (tests.length === 0) return [`"${name}" has no test`]
    return tests
      .filter(({ file, test }) => !existsSync(file) || !isIn(readFileSync(file, 'utf8'), test))
      .map(({ file, test }) => `"${name}": ${file} has no test "${test}"`)
  })
}

const text = readFileSync('tests/INVARIANTS.md', 'utf8')

test('every promise names its tests, and every test that is named exists', () => {
  expect(problemsIn(text)).toEqual([])
})

test('the ten promises are there, in order, and the letters after them', () => {
  const numbers = promisesIn(text).map(({ name }) => name.split('.')[0])
  const letters = numbers.slice(10)
  expect(numbers.slice(0, 10)).toEqual(Array.from({ length: 10 }, (_, n) => `${n + 1}`))
  expect(letters).toEqual(Array.from(letters, (_, n) => String.fromCodePoint(97 + n)))
})

test('a promise without a test, a test that is gone and a file that is gone are found', () => {
  const tidy = 'tests/tidy.test.ts'
  const bad = `## 1. One\n\n## 2. Two\n\n- \`${tidy}\`: a rule\n- \`tests/gone.test.ts\`: a test\n`
  expect(problemsIn(bad)).toEqual([
    '"1. One" has no test',
    `"2. Two": ${tidy} has no test "a rule"`,
    '"2. Two": tests/gone.test.ts has no test "a test"',
  ])
})
