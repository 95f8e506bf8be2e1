import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, inject, test } from 'vitest'
import { startBroker, type KafkaBroker } from './kafka-broker.ts'
import { missingForKafka } from './kafka-jars.ts'

// The first run on a machine fetches the broker.
const START_TIMEOUT_MS = 1_200_000

/** A broker of one test file; it runs from the first `beforeAll` or test on. */
export type TestKafka = { readonly broker: KafkaBroker }

/**
 * Runs a suite on a real broker of its own. A machine without Java or Maven skips it and says why, or fails if
 * SALDO_TEST_REQUIRE names kafka.
 */
export function describeKafka(name: string, suite: (kafka: TestKafka) => void): void {
  const missing = missingForKafka()
  if (missing === undefined) {
    describe(`${name} on Kafka`, () => suite(withBroker()))
  } else if ((process.env['SALDO_TEST_REQUIRE'] ?? '').split(',').includes('kafka')) {
    test(`${name} on Kafka`, () => {
      throw new Error(`SALDO_TEST_REQUIRE names kafka, and there is ${missing}`)
    })
  } else {
    test.skip(`${name} on Kafka (skipped: ${missing})`, () => {})
  }
}

function withBroker(): TestKafka {
  let broker: KafkaBroker | undefined
  beforeAll(async () => {
    const folder = `kafka-${randomBytes(4).toString('hex')}`
    broker = await startBroker(join(inject('runFolder'), folder))
  }, START_TIMEOUT_MS)
  afterAll(() => broker?.stop())
  return {
    get broker() {
      if (broker === undefined) throw new Error('the broker starts with the first hook')
      return broker
    },
  }
}
