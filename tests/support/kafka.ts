import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, inject, test } from 'vitest'
import { startBroker, startCluster, type KafkaBroker, type KafkaCluster } from './kafka-broker.ts'
import { missingForKafka } from './kafka-jars.ts'
import { askForServer } from './kafka-shared.ts'
import type { NodeSettings } from './kafka-settings.ts'

// The first run on a machine fetches the broker.
const START_TIMEOUT_MS = 1_200_000

/** The run's broker, from the first `beforeAll` or test on. Others use it at the same time: keep to names with the prefix. */
export type TestKafka = { readonly broker: { readonly address: string }; readonly prefix: string }

/**
 * Runs a suite on a real broker that all files of the run share. A machine without Java or Maven skips it and says why,
 * or fails if SALDO_TEST_REQUIRE names kafka.
 */
export function describeKafka(name: string, suite: (kafka: TestKafka) => void): void {
  describeOn(name, 'Kafka', () => {
    const prefix = `t${randomBytes(4).toString('hex')}.`
    const broker = withServer(async () => {
      const address = await askForServer(inject('kafkaDoor'))
      // The global setup stops it, when every file has ended.
      return { address, stop: () => Promise.resolve() }
    })
    suite({
      prefix,
      get broker() {
        return broker()
      },
    })
  })
}

/** Runs a suite on a broker of its own, for what kills, stops or configures it: it costs a start, so share where you can. */
export function describeOwnKafka(
  name: string,
  suite: (kafka: { readonly broker: KafkaBroker }) => void,
  options: NodeSettings = {},
): void {
  describeOn(name, 'a broker of its own', () => {
    const broker = withServer(() => startBroker(newFolder(), options))
    suite({
      get broker() {
        return broker()
      },
    })
  })
}

/** Runs a suite on three brokers of its own. */
export function describeKafkaCluster(
  name: string,
  suite: (kafka: { readonly cluster: KafkaCluster }) => void,
  options: NodeSettings = {},
): void {
  describeOn(name, 'three brokers', () => {
    const cluster = withServer(() => startCluster(newFolder(), options))
    suite({
      get cluster() {
        return cluster()
      },
    })
  })
}

function describeOn(name: string, server: string, suite: () => void): void {
  const missing = missingForKafka()
  const title = `${name} on ${server}`
  if (missing === undefined) {
    describe(title, suite)
  } else if ((process.env['SALDO_TEST_REQUIRE'] ?? '').split(',').includes('kafka')) {
    test(title, () => {
      throw new Error(`SALDO_TEST_REQUIRE names kafka, and there is ${missing}`)
    })
  } else {
    test.skip(`${title} (skipped: ${missing})`, () => {})
  }
}

function newFolder(): string {
  return join(inject('runFolder'), `kafka-${randomBytes(4).toString('hex')}`)
}

function withServer<Server extends { stop(): Promise<void> }>(
  start: () => Promise<Server>,
): () => Server {
  let server: Server | undefined
  beforeAll(async () => {
    server = await start()
  }, START_TIMEOUT_MS)
  afterAll(() => server?.stop())
  return () => {
    if (server === undefined) throw new Error('the broker starts with the first hook')
    return server
  }
}
