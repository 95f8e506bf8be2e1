import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { formatFolder, nodeArguments } from './kafka-java.ts'
import {
  HOST,
  LOG4J,
  READY,
  serverProperties,
  type NodePorts,
  type NodeSettings,
} from './kafka-settings.ts'

/** One process of a cluster, which keeps its ports and its folder whatever happens to it. */
export type KafkaNode = {
  readonly id: number
  readonly address: string
  addressOf(listener: string): string
  /** Resolves when it serves. Again after it ended, on the same ports and folder. */
  start(): Promise<void>
  /** Resolves when the process is gone; SIGTERM lets it hand its leaders over first. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>
  /** Stops it in the middle of whatever it does, its connections staying open. */
  pause(): void
  resume(): void
}

export type NodeOptions = NodeSettings & {
  readonly folder: string
  readonly clusterId: string
  readonly ports: NodePorts
  /** Every node of the cluster, this one among them. */
  readonly all: readonly NodePorts[]
  readonly heapMb: number
}

export async function kafkaNode(options: NodeOptions): Promise<KafkaNode> {
  const { folder, ports, heapMb } = options
  await mkdir(folder, { recursive: true })
  const settings = serverProperties(folder, ports, options.all, options)
  await writeFile(join(folder, 'server.properties'), settings)
  await writeFile(join(folder, 'log4j2.properties'), LOG4J)
  await formatFolder(folder, options.clusterId, ports.id)
  let running: ChildProcess | undefined
  return {
    id: ports.id,
    address: `${HOST}:${ports.client}`,
    addressOf(listener) {
      const port = ports.others[listener]
      if (port === undefined) throw new Error(`the broker has no listener ${listener}`)
      return `${HOST}:${port}`
    },
    async start() {
      const stdio = ['ignore', 'pipe', 'pipe'] as const
      running = spawn('java', await nodeArguments(folder, heapMb), { stdio: [...stdio] })
      await writeFile(pidFile(folder), `${running.pid}`)
      await started(running)
    },
    async end(signal) {
      const process = running
      if (process === undefined || hasEnded(process)) return
      const ended = once(process, 'exit')
      process.kill(signal)
      await ended
    },
    pause: () => void running?.kill('SIGSTOP'),
    resume: () => void running?.kill('SIGCONT'),
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}

function pidFile(folder: string): string {
  return join(folder, 'broker.pid')
}

/** Ends what a run that was killed left behind. The folder in its command line tells it from a later process. */
export function killNode(folder: string): void {
  try {
    const pid = Number(readFileSync(pidFile(folder), 'utf8'))
    if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder)) process.kill(pid, 'SIGKILL')
  } catch {
    // Never started, or gone already.
  }
}

/** Its log says when it is ready; if it ends before, the log says why. */
async function started(node: ChildProcess): Promise<void> {
  const { stdout, stderr } = node
  if (stdout === null || stderr === null) throw new Error('a broker without output')
  const last: string[] = []
  const ready = Promise.withResolvers<void>()
  const heard = (line: string): void => {
    last.push(line)
    if (last.length > 20) last.shift()
    if (line.includes(READY)) ready.resolve()
  }
  for (const input of [stdout, stderr]) createInterface({ input }).on('line', heard)
  node.on('error', ready.reject)
  node.on('exit', (code, signal) => {
    ready.reject(new Error(`the broker ended with ${code ?? signal}:\n${last.join('\n')}`))
  })
  await ready.promise
}
