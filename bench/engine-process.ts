/** `saldo up` as a process of its own, on the data folder of a bench, and what Linux tells about it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { BenchDatabase } from './database.ts'

const MAIN = join(import.meta.dirname, '..', 'cli', 'main.ts')

export type EngineProcess = {
  /** Where its query API answers. */
  readonly apiUrl: string
  residentMiB(): Promise<number>
  /** The largest it has been. */
  peakMiB(): Promise<number>
  /** Milliseconds of CPU of all its threads since its start. */
  cpuMs(): Promise<number>
  stop(): Promise<void>
}

/** Resolves when it says that it is up. */
export async function engineProcess(
  { config }: BenchDatabase,
  settings: Readonly<Record<string, string>> = {},
): Promise<EngineProcess> {
  const child = spawn(process.execPath, [MAIN, 'up', '--no-demo'], {
    env: { SALDO_DATA_DIR: config.dataDir, SALDO_PORT: '0', ...settings },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const up = Promise.withResolvers<void>()
  let apiUrl = ''
  createInterface({ input: child.stdout }).on('line', (line) => {
    apiUrl ||= /^  API +(http:\S+)\/v1\//.exec(line)?.[1] ?? ''
    if (line.startsWith('Ctrl-C stops it')) up.resolve()
  })
  await Promise.race([
    up.promise,
    ended.then(() => {
      throw new Error('the engine ended before it was up')
    }),
  ])
  const proc = (file: string): Promise<string> => readFile(`/proc/${child.pid}/${file}`, 'utf8')
  const mebibytes = async (name: string): Promise<number> => {
    const kibibytes = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(await proc('status'))?.[1]
    return Math.round(Number(kibibytes) / 1024)
  }
  return {
    apiUrl,
    residentMiB: () => mebibytes('VmRSS'),
    peakMiB: () => mebibytes('VmHWM'),
    async cpuMs() {
      // After the name in brackets: the 12th and 13th are user and system time in hundredths of a second (proc(5)).
      const fields = (await proc('stat')).split(') ')[1]?.split(' ') ?? []
      return (Number(fields[11]) + Number(fields[12])) * 10
    },
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}
