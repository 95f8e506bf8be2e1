import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { routeModels } from './model/routes.ts'

/** Not an answer but what follows; `model.pg.test.ts` has a test of its own for it. */
const FOLLOWED = '/v1/stream'

test('every route of the contract has a model that its answers are compared with', () => {
  const { paths } = JSON.parse(readFileSync('docs/openapi.json', 'utf8')) as { paths: object }
  expect([FOLLOWED, ...Object.keys(routeModels)].toSorted()).toEqual(Object.keys(paths).toSorted())
})
