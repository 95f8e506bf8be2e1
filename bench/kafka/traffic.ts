/** The commands from outside and the events as seen from outside: the Java client, for both engines. */
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { commandCodec } from '../../schemas/codec.ts'
import { startJava, type Java } from './java.ts'

const HEAP = ['-Xmx512m', '-XX:+UseSerialGC']

/** Accounts of all users, unless they are open, then the commands. */
export async function loadCommands(
  java: Java,
  to: { readonly broker: string; readonly topic: string },
  load: { readonly commands: number; readonly users: number; readonly accountsAreOpen?: boolean },
  note: (text: string) => void,
): Promise<void> {
  const { commands, users, accountsAreOpen = false } = load
  const from = accountsAreOpen ? 0 : -users
  const numbers = [commandCodec.schemaId, from, commands, users].map(String)
  const args = ['load', to.broker, to.topic, ...numbers]
  const loader = startJava(java, HEAP, 'Traffic', ...args)
  const began = performance.now()
  let noted = 0
  const progress = setInterval(() => {
    const last = loader.lines().at(-1)
    if (loader.lines().length === noted || last === undefined) return
    noted = loader.lines().length
    note(`  ${last} of ${commands - from} commands`)
  }, 4000)
  const code = await loader.ended.finally(() => clearInterval(progress))
  if (code !== 0) throw new Error(`the commands were not loaded: ${loader.lines().join('\n')}`)
  note(`  loaded in ${((performance.now() - began) / 1000).toFixed(1)} s`)
}

export type Counted = { readonly records: number; readonly bytesEach: number }

/** Committed records of each topic, counted by a read_committed consumer; bytes are those of key and value. */
export async function countCommitted(
  java: Java,
  broker: string,
  topics: readonly string[],
): Promise<readonly Counted[]> {
  const counter = startJava(java, HEAP, 'Traffic', 'count', broker, ...topics)
  await counter.ended
  return topics.map((topic) => {
    const line = counter.lines().find((one) => one.startsWith(`counted ${topic} `))
    const [records = Number.NaN, bytes = 0] = (line?.split(' ') ?? []).slice(2).map(Number)
    return { records, bytesEach: bytes / records }
  })
}

/** One command and its event. Times are milliseconds since 1970, fractions included. */
export type Seen = {
  readonly partition: number
  readonly offset: number
  readonly due: number
  readonly at: number
}

export type SteadyTraffic = {
  readonly pid: number
  /** Ends the sending, waits for the last event, and tells of each. Rejects when one never came. */
  end(): Promise<readonly Seen[]>
}

export async function startSteady(
  java: Java,
  options: {
    readonly broker: string
    readonly commands: string
    readonly events: string
    readonly rate: number
    readonly users: number
    readonly series: string
    readonly folder: string
  },
): Promise<SteadyTraffic> {
  const { broker, commands, events, rate, users, series, folder } = options
  const file = join(folder, `seen-${series}.txt`)
  const schemaId = `${commandCodec.schemaId}`
  const to = [commands, schemaId, `${rate}`, `${users}`, series, events, file]
  const traffic = startJava(java, HEAP, 'Traffic', 'steady', broker, ...to)
  await traffic.line((line) => line.startsWith('sending '))
  return {
    pid: traffic.pid,
    async end() {
      traffic.endInput()
      const code = await traffic.ended
      if (code !== 0) throw new Error(`events are missing: ${traffic.lines().at(-1)}`)
      const text = await readFile(file, 'latin1')
      await rm(file)
      return text
        .split('\n')
        .slice(0, -1)
        .map((line) => {
          const [partition = 0, offset = 0, due = 0, at = 0] = line.split(' ').map(Number)
          return { partition, offset, due: due / 1000, at: at / 1000 }
        })
    },
  }
}
