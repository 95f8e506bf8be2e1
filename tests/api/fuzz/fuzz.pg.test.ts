/** The short form of `npm run fuzz:api`: always the same requests, so that it fails for what was changed. */
import { describe, expect, test } from 'vitest'
import { withDatabase } from '../../support/postgres.ts'
import { missingForSchemathesis, schemathesis } from '../../support/schemathesis.ts'
import { fuzzApi } from './fuzz.ts'

const EXAMPLES = 10
const SEED = 1
const LIMIT_MS = 600_000
const missing = missingForSchemathesis()
const isRequired = (process.env['SALDO_TEST_REQUIRE'] ?? '').split(',').includes('schemathesis')
const name = 'the query API keeps to its contract, whatever is asked'

describe('fuzzing by schemathesis', () => {
  if (missing !== undefined && !isRequired) {
    test.skip(`${name} (skipped: ${missing})`, () => {})
    return
  }
  const database = withDatabase('postgres')
  test(
    name,
    async ({ skip }) => {
      const tool = await schemathesis().catch((error: unknown) => {
        if (isRequired) throw error
        return skip('schemathesis could not be installed')
      })
      const { code, output } = await fuzzApi({
        databaseUrl: database.url,
        tool,
        examples: EXAMPLES,
        seed: SEED,
      })
      expect(code, output).toBe(0)
    },
    LIMIT_MS,
  )
})
