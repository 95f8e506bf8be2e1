import { readdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { freePorts } from './free-ports.ts'
import { kafkaId } from './kafka-java.ts'
import { kafkaNode, killNode, type KafkaNode } from './kafka-node.ts'
import type { NodePorts, NodeSettings } from './kafka-settings.ts'

const HEAP_MB = 384
// Three on one machine, each with a third of the work.
const CLUSTER_HEAP_MB = 256

/** A single broker; between `kill` and `start` it keeps its ports and what it stored. */
export type KafkaBroker = Omit<KafkaNode, 'end'> & {
  /** Ends it at once, as a crash does. */
  kill(): Promise<void>
  /** Ends it for good and removes its folder. */
  stop(): Promise<void>
}

/** One KRaft broker on loopback, in a folder that is removed when it stops. */
export async function startBroker(
  folder: string,
  options: NodeSettings & { readonly heapMb?: number } = {},
): Promise<KafkaBroker> {
  const { nodes, stop } = await startNodes(folder, 1, { heapMb: HEAP_MB, ...options })
  const [node] = nodes
  if (node === undefined) throw new Error('no node')
  return { ...node, kill: () => node.end('SIGKILL'), stop }
}

/** Three brokers, each a controller too: topics have three replicas, and a write needs two of them. */
export type KafkaCluster = {
  /** By their ids, 1 to 3. */
  readonly nodes: readonly KafkaNode[]
  /** Where clients start. */
  readonly addresses: readonly string[]
  node(id: number): KafkaNode
  stop(): Promise<void>
}

export async function startCluster(
  folder: string,
  options: NodeSettings & { readonly heapMb?: number } = {},
): Promise<KafkaCluster> {
  const { nodes, stop } = await startNodes(folder, 3, { heapMb: CLUSTER_HEAP_MB, ...options })
  return {
    nodes,
    addresses: nodes.map(({ address }) => address),
    node(id) {
      const node = nodes.find((one) => one.id === id)
      if (node === undefined) throw new Error(`no broker ${id}`)
      return node
    },
    stop,
  }
}

async function startNodes(
  folder: string,
  count: number,
  options: NodeSettings & { readonly heapMb: number },
): Promise<{ readonly nodes: readonly KafkaNode[]; stop(): Promise<void> }> {
  const all = await portsOf(count, Object.keys(options.listeners ?? {}))
  const clusterId = kafkaId()
  const nodes = await Promise.all(
    all.map((ports) => {
      const own = join(folder, `${ports.id}`)
      return kafkaNode({ ...options, folder: own, clusterId, ports, all })
    }),
  )
  const stop = async (): Promise<void> => {
    // Nothing in them is kept, so they need not write anything down.
    await Promise.all(nodes.map((node) => node.end('SIGKILL')))
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await Promise.all(nodes.map((node) => node.start()))
  } catch (error) {
    await stop()
    throw error
  }
  return { nodes, stop }
}

async function portsOf(count: number, listeners: readonly string[]): Promise<readonly NodePorts[]> {
  const each = 2 + listeners.length
  const ports = await freePorts(count * each)
  return Array.from({ length: count }, (_, n) => {
    const [client = 0, controller = 0, ...rest] = ports.slice(n * each, (n + 1) * each)
    const others = Object.fromEntries(listeners.map((name, at) => [name, rest[at] ?? 0]))
    return { id: n + 1, client, controller, others }
  })
}

/** Ends the brokers of a folder that a run left behind which was killed. */
export function killBrokers(folder: string): void {
  for (const name of readdirSync(folder)) killNode(join(folder, name))
}
