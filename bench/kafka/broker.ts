/** One real broker for the whole bench, compiled by the JVM's best compiler and with data on disk, as none of the tests' brokers is. */
import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { LOG4J, READY } from '../../tests/support/kafka-settings.ts'
import { startJava, type Java } from './java.ts'

const HEAP = ['-Xms1g', '-Xmx1g', '-XX:+UseSerialGC']

export type BenchBroker = {
  readonly address: string
  readonly pid: number
  stop(): Promise<void>
}

export async function startBenchBroker(java: Java, folder: string): Promise<BenchBroker> {
  const [client = 0, controller = 0] = await freePorts(2)
  await mkdir(folder, { recursive: true })
  const settings = join(folder, 'server.properties')
  const logging = join(folder, 'log4j2.properties')
  await writeFile(settings, serverProperties(folder, client, controller))
  await writeFile(logging, LOG4J)
  const log = `-Dlog4j2.configurationFile=${logging}`
  const clusterId = randomBytes(16).toString('base64url')
  const format = ['kafka.tools.StorageTool', 'format', `--cluster-id=${clusterId}`, '-c', settings]
  const formatted = startJava(java, ['-Xmx128m', '-XX:TieredStopAtLevel=1', log], ...format)
  if ((await formatted.ended) !== 0) throw new Error(formatted.lines().join('\n'))
  const broker = startJava(java, [...HEAP, log], 'kafka.Kafka', settings)
  await broker.line((line) => line.includes(READY))
  return {
    address: `127.0.0.1:${client}`,
    pid: broker.pid,
    // Nothing in it is kept, so it need not write anything down.
    stop: () => broker.kill('SIGKILL'),
  }
}

async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      return server
    }),
  )
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}

/** Defaults but for what one broker needs, and for data that goes as soon as its topic does. */
function serverProperties(folder: string, client: number, controller: number): string {
  const host = '127.0.0.1'
  return `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@${host}:${controller}
listeners=PLAINTEXT://${host}:${client},CONTROLLER://${host}:${controller}
advertised.listeners=PLAINTEXT://${host}:${client}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=${join(folder, 'data')}
auto.create.topics.enable=false
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
num.network.threads=2
num.io.threads=4
log.segment.bytes=268435456
log.cleaner.dedupe.buffer.size=16777216
log.segment.delete.delay.ms=1000
`
}
