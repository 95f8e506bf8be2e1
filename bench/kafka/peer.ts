/** Kafka Streams as a process of its own. */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startJava, type Child, type Java } from './java.ts'

export type PeerConfiguration = {
  readonly name: string
  readonly threads: number
  readonly cache: boolean
  readonly commitMs: number
}

/** What it does when nobody tunes it: one thread, record caches, 100 ms between commits with exactly_once_v2. */
export const peerDefault = { name: 'streams default', threads: 1, cache: true, commitMs: 100 }
/** The fastest durable one of those that were tried. */
export const peerBest = { name: 'streams best', threads: 2, cache: false, commitMs: 100 }
/** The same for latency. */
export const peerQuick = { name: 'streams 10 ms', threads: 2, cache: false, commitMs: 10 }

export type Peer = {
  readonly pid: number
  readonly child: Child
  stop(): Promise<void>
  /** As a crash would, with its local state lost. */
  kill(): Promise<void>
}

const HEAP = '-Xmx1g'
// It is told apart in the take-over, and would only make the bench wait.
const SESSION_TIMEOUT_MS = 6000

export async function startPeer(
  java: Java,
  options: {
    readonly broker: string
    readonly folder: string
    readonly applicationId: string
    readonly commands: string
    readonly events: string
    readonly configuration: PeerConfiguration
  },
): Promise<Peer> {
  const { broker, folder, applicationId, commands, events, configuration } = options
  const state = join(folder, applicationId)
  const settings = join(folder, `${applicationId}.properties`)
  await mkdir(state, { recursive: true })
  await writeFile(
    settings,
    `bootstrap.servers=${broker}
application.id=${applicationId}
state.dir=${state}
num.stream.threads=${configuration.threads}
commit.interval.ms=${configuration.commitMs}
consumer.session.timeout.ms=${SESSION_TIMEOUT_MS}
consumer.heartbeat.interval.ms=${SESSION_TIMEOUT_MS / 6}
`,
  )
  const cache = configuration.cache ? 'cache' : 'no-cache'
  const child = startJava(java, [HEAP], 'LedgerStreams', settings, commands, events, cache)
  await child.line((line) => line.endsWith(' RUNNING'))
  return {
    pid: child.pid,
    child,
    async stop() {
      await child.kill('SIGTERM')
      await rm(state, { recursive: true, force: true })
    },
    async kill() {
      await child.kill('SIGKILL')
      await rm(state, { recursive: true, force: true })
    },
  }
}
