import { join } from 'node:path'
import { settings } from '../../config/settings.ts'
import { startBroker, startCluster } from '../support/kafka-broker.ts'
import type { KafkaNode } from '../support/kafka-node.ts'
import { kafkaProxy, type KafkaProxy } from '../support/kafka-proxy.ts'

/** The brokers of a run, and the way that its engines come to them. */
export type KafkaWorld = {
  readonly nodes: readonly Pick<KafkaNode, 'id' | 'address' | 'start' | 'end'>[]
  /** Where brokers are, for whoever is not to be disturbed. */
  readonly addresses: readonly string[]
  readonly proxy: KafkaProxy
  /** For the engines: through the proxy. */
  readonly settings: Readonly<Record<string, string>>
  close(options: { readonly keep: boolean }): Promise<void>
}

/** As few as show every kind of sharing between engines. */
export const KAFKA_PARTITIONS = 6

export async function openKafka(parent: string, brokers: 1 | 3): Promise<KafkaWorld> {
  const folder = join(parent, 'kafka')
  const { nodes, stop } = brokers === 1 ? await oneBroker(folder) : await startCluster(folder)
  const addresses = nodes.map(({ address }) => address)
  const proxy = await kafkaProxy({ targets: addresses })
  return {
    nodes,
    addresses,
    proxy,
    settings: {
      [settings.kafkaBrokers.name]: proxy.addresses.join(','),
      [settings.partitions.name]: String(KAFKA_PARTITIONS),
    },
    async close({ keep }) {
      await proxy.close()
      if (keep) await Promise.all(nodes.map((node) => node.end('SIGTERM')))
      else await stop()
    },
  }
}

async function oneBroker(folder: string): Promise<{
  readonly nodes: KafkaWorld['nodes']
  stop(): Promise<void>
}> {
  const broker = await startBroker(folder)
  return { nodes: [{ ...broker, end: () => broker.kill() }], stop: () => broker.stop() }
}
