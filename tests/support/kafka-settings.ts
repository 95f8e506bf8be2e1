/** What the brokers of tests are told: settings of a node, in Kafka's own words, and of its logging. */
import { join } from 'node:path'

export const HOST = '127.0.0.1'

export type NodePorts = {
  readonly id: number
  readonly client: number
  readonly controller: number
  /** More ways in, by listener name. */
  readonly others: Readonly<Record<string, number>>
}

export type NodeSettings = {
  /** Security protocol by the name of a further listener, as `{ TLS: 'SSL' }`. */
  readonly listeners?: Readonly<Record<string, string>>
  /** Anything else, as in server.properties; wins over what tests have by default. */
  readonly settings?: Readonly<Record<string, string>>
}

/** A node that is broker and controller at once. `all` are the nodes of its cluster, itself among them. */
export function serverProperties(
  folder: string,
  node: NodePorts,
  all: readonly NodePorts[],
  { listeners = {}, settings = {} }: NodeSettings,
): string {
  const protocols = { CONTROLLER: 'PLAINTEXT', PLAINTEXT: 'PLAINTEXT', ...listeners }
  const open = Object.entries({ PLAINTEXT: node.client, ...node.others }).map(
    ([name, port]) => `${name}://${HOST}:${port}`,
  )
  const replicas = String(Math.min(all.length, 3))
  const inSync = all.length > 2 ? '2' : '1'
  return lines({
    'process.roles': 'broker,controller',
    'node.id': String(node.id),
    'controller.quorum.voters': all
      .map(({ id, controller }) => `${id}@${HOST}:${controller}`)
      .join(','),
    listeners: [...open, `CONTROLLER://${HOST}:${node.controller}`].join(','),
    'advertised.listeners': open.join(','),
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': Object.entries(protocols)
      .map(([name, protocol]) => `${name}:${protocol}`)
      .join(','),
    'log.dirs': join(folder, 'data'),
    'auto.create.topics.enable': 'false',
    'default.replication.factor': replicas,
    'min.insync.replicas': inSync,
    'offsets.topic.num.partitions': '2',
    'offsets.topic.replication.factor': replicas,
    'transaction.state.log.num.partitions': '2',
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': inSync,
    'share.coordinator.state.topic.num.partitions': '1',
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': inSync,
    'group.initial.rebalance.delay.ms': '0',
    'num.network.threads': '2',
    'num.io.threads': '4',
    'log.cleaner.backoff.ms': '500',
    'log.segment.bytes': '67108864',
    'log.index.size.max.bytes': '1048576',
    'log.cleaner.dedupe.buffer.size': '16777216',
    ...(all.length > 1 ? AMONG_OTHERS : {}),
    ...settings,
  })
}

/** A node that is gone is noticed within seconds, and leaders move only when a test says so. */
const AMONG_OTHERS = {
  'broker.heartbeat.interval.ms': '500',
  'broker.session.timeout.ms': '3000',
  'replica.lag.time.max.ms': '3000',
  'auto.leader.rebalance.enable': 'false',
}

/** What a formatted folder knows of its owner. */
export function metaProperties(clusterId: string, nodeId: number, directoryId: string): string {
  return lines({
    version: '1',
    'cluster.id': clusterId,
    'node.id': String(nodeId),
    'directory.id': directoryId,
  })
}

function lines(properties: Readonly<Record<string, string>>): string {
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

/** The line that says that a node is ready, and how it comes to be said. */
export const READY = 'Kafka Server started'
export const LOG4J = `status=error
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%p %m (%c)%n
rootLogger.level=error
rootLogger.appenderRef.console.ref=console
logger.server.name=kafka.server.KafkaRaftServer
logger.server.level=info
`
