import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { httpCodes } from '../../api/problem.ts'

test('docs/api.md explains every code that exists on HTTP only, and no other', () => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'api.md'), 'utf8')
  const [, errors = ''] = page.split('## Errors')
  const explained = [...errors.matchAll(/^\| `([a-z-]+)` \| [\d, ]+ \| .+ \|$/gm)]
  expect(explained.map(([, code = '']) => code).toSorted()).toEqual([...httpCodes].toSorted())
})
