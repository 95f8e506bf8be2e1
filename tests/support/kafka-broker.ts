import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { kafkaJars } from './kafka-jars.ts'

const READY = 'Kafka Server started'
// Throw-away servers on a busy machine: a quick start counts, a fast steady state does not.
const JVM = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Djava.awt.headless=true']

export type KafkaBroker = {
  readonly address: string
  /** The same broker as clients see it that come through `by`, a way in between. */
  readonly behind: { readonly address: string; readonly by: number }
  stop(): Promise<void>
}

/** One KRaft broker on loopback, in a folder that is removed when it stops. */
export async function startBroker(folder: string): Promise<KafkaBroker> {
  const jars = join(await kafkaJars(), '*')
  const [client = 0, controller = 0, proxied = 0, by = 0] = await freePorts(4)
  await mkdir(folder, { recursive: true })
  const settings = join(folder, 'server.properties')
  const logging = join(folder, 'log4j2.properties')
  await writeFile(settings, serverProperties({ folder, client, controller, proxied, by }))
  await writeFile(logging, LOG4J)
  const java = (heapMb: number, ...rest: readonly string[]): string[] =>
    [`-Xmx${heapMb}m`, ...JVM, `-Dlog4j2.configurationFile=${logging}`, '-cp', jars].concat(rest)
  const clusterId = randomBytes(16).toString('base64url')
  await promisify(execFile)(
    'java',
    // An id may begin with a dash.
    java(128, 'kafka.tools.StorageTool', 'format', `--cluster-id=${clusterId}`, '-c', settings),
  )
  const broker = spawn('java', java(384, 'kafka.Kafka', settings), {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  await writeFile(join(folder, 'broker.pid'), `${broker.pid}`)
  await started(broker)
  return {
    address: `127.0.0.1:${client}`,
    behind: { address: `127.0.0.1:${proxied}`, by },
    async stop() {
      if (broker.exitCode === null && broker.signalCode === null) {
        // Nothing in it is kept, so it need not write anything down.
        broker.kill('SIGKILL')
        await once(broker, 'exit')
      }
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Ends what a run that was killed left behind. The folder in its command line tells it from a later process. */
export function killBroker(folder: string): void {
  try {
    const pid = Number(readFileSync(join(folder, 'broker.pid'), 'utf8'))
    if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder)) process.kill(pid, 'SIGKILL')
  } catch {
    // Never started, or gone already.
  }
}

/** Its log says when it is ready; if it ends before, the log says why. */
async function started(broker: ChildProcess): Promise<void> {
  const { stdout, stderr } = broker
  if (stdout === null || stderr === null) throw new Error('a broker without output')
  const lines: string[] = []
  const ready = Promise.withResolvers<void>()
  createInterface({ input: stderr }).on('line', (line) => lines.push(line))
  createInterface({ input: stdout }).on('line', (line) => {
    lines.push(line)
    if (line.includes(READY)) ready.resolve()
  })
  broker.on('exit', (code) => {
    ready.reject(new Error(`the broker ended with ${code}:\n${lines.slice(-20).join('\n')}`))
  })
  await ready.promise
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

function serverProperties(at: {
  readonly folder: string
  readonly client: number
  readonly controller: number
  readonly proxied: number
  readonly by: number
}): string {
  const host = '127.0.0.1'
  return `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@${host}:${at.controller}
listeners=PLAINTEXT://${host}:${at.client},PROXIED://${host}:${at.proxied},CONTROLLER://${host}:${at.controller}
advertised.listeners=PLAINTEXT://${host}:${at.client},PROXIED://${host}:${at.by}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT
log.dirs=${join(at.folder, 'data')}
auto.create.topics.enable=false
offsets.topic.num.partitions=2
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=2
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
num.network.threads=2
num.io.threads=4
log.segment.bytes=67108864
log.index.size.max.bytes=1048576
log.cleaner.dedupe.buffer.size=16777216
`
}

const LOG4J = `status=error
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%p %m (%c)%n
rootLogger.level=error
rootLogger.appenderRef.console.ref=console
logger.server.name=kafka.server.KafkaRaftServer
logger.server.level=info
`
