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
  /** Before every name on it. */
  readonly prefix: string
  readonly proxy: KafkaProxy
  /** For the engines: through the proxy. */
  readonly settings: Readonly<Record<string, string>>
  close(options: { readonly keep: boolean }): Promise<void>
}

/** So many of the run's own; or one that others use too, which nobody ends. */
export type Brokers = 1 | 3 | { readonly address: string; readonly prefix: string }

/** As few as show every kind of sharing between engines; half of them where others use the broker. */
const PARTITIONS = { own: 6, shared: 3 }

export async function openKafka(parent: string, brokers: Brokers): Promise<KafkaWorld> {
  const folder = join(parent, 'kafka')
  const { nodes, addresses, prefix, stop } = await startedBrokers(folder, brokers)
  const proxy = await kafkaProxy({ targets: addresses })
  return {
    nodes,
    addresses,
    prefix,
    proxy,
    settings: {
      [settings.kafkaBrokers.name]: proxy.addresses.join(','),
      [settings.kafkaPrefix.name]: prefix,
      [settings.partitions.name]: String(
        typeof brokers === 'object' ? PARTITIONS.shared : PARTITIONS.own,
      ),
    },
    async close({ keep }) {
      await proxy.close()
      if (keep) await Promise.all(nodes.map((node) => node.end('SIGTERM')))
      else await stop()
    },
  }
}

type Started = Pick<KafkaWorld, 'nodes' | 'addresses' | 'prefix'> & { stop(): Promise<void> }

async function startedBrokers(folder: string, brokers: Brokers): Promise<Started> {
  if (typeof brokers === 'object') {
    const { address, prefix } = brokers
    return { nodes: [], addresses: [address], prefix, stop: () => Promise.resolve() }
  }
  if (brokers === 3) return { ...(await startCluster(folder)), prefix: '' }
  const broker = await startBroker(folder)
  return {
    nodes: [{ ...broker, end: () => broker.kill() }],
    addresses: [broker.address],
    prefix: '',
    stop: () => broker.stop(),
  }
}
