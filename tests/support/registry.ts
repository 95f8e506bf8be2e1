import { randomBytes } from 'node:crypto'
import { beforeAll, describe, inject, test } from 'vitest'
import { askForServer } from './kafka-shared.ts'
import { missingForRegistry } from './registry-app.ts'

// The first run on a machine fetches the registry.
const START_TIMEOUT_MS = 1_200_000

/** The run's schema registry, from the first `beforeAll` or test on. Others use it too: keep to subjects with the prefix. */
export type TestRegistry = { readonly url: string; readonly prefix: string }

/** Runs a suite on a real registry; a machine that has none skips it and says why, as with a broker. */
export function describeRegistry(name: string, suite: (registry: TestRegistry) => void): void {
  const title = `${name} on a schema registry`
  const missing = missingForRegistry()
  if (missing === undefined) {
    describe(title, () => suite(withRegistry()))
  } else if ((process.env['SALDO_TEST_REQUIRE'] ?? '').split(',').includes('registry')) {
    test(title, () => {
      throw new Error(`SALDO_TEST_REQUIRE names registry, and there is ${missing}`)
    })
  } else {
    test.skip(`${title} (skipped: ${missing})`, () => {})
  }
}

function withRegistry(): TestRegistry {
  let url: string | undefined
  beforeAll(async () => {
    url = await askForServer(inject('registryDoor'))
  }, START_TIMEOUT_MS)
  return {
    prefix: `t${randomBytes(4).toString('hex')}.`,
    get url() {
      if (url === undefined) throw new Error('the registry starts with the first hook')
      return url
    },
  }
}
