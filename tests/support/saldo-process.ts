import { spawn } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, inject } from 'vitest'
import { settings } from '../../config/settings.ts'
import { stopEmbeddedPostgres } from '../../sink/postgres/embedded-postgres.ts'
import { compileCache } from './compile-cache.ts'

/**
 * `saldo …` as people run it: a process of its own, on a data folder of its own, killed by its pid.
 *
 * Invariant: nothing that a test starts outlives its file, and no process outlives its time limit.
 */

const MAIN = join(import.meta.dirname, '..', '..', 'cli', 'main.ts')
const LIMIT_MS = 90_000

export type Settings = { readonly [name: string]: string }

export type Ended = {
  /** Null when a signal ended it. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export type SaldoProcess = {
  readonly pid: number
  readonly ended: Promise<Ended>
  /** The first line, printed before or after the call, on either stream; rejects when the process ends without it. */
  line(pattern: RegExp): Promise<string>
  /** Every line of stdout as it comes. */
  onResult(listener: (line: string) => void): void
  kill(signal: NodeJS.Signals): Promise<Ended>
}

export type StartOptions = {
  readonly settings?: Settings
  readonly input?: string
  readonly limitMs?: number
  /** Another program than this checkout's. */
  readonly main?: string
}

export type DataFolder = {
  readonly path: string
  start(args: readonly string[], options?: StartOptions): SaldoProcess
  /** Runs a verb to its end. */
  run(args: readonly string[], options?: StartOptions): Promise<Ended>
}

/** A fresh data folder for the `describe` or file that calls it; at the end everything on it is stopped and it goes. */
export function withDataFolder(folderSettings: Settings = {}): DataFolder {
  let path: string | undefined
  const processes: SaldoProcess[] = []
  const pathOf = (): string => {
    if (path === undefined) throw new Error('the folder is made in beforeAll: use it later')
    return path
  }
  beforeAll(async () => {
    path = await mkdtemp(join(inject('runFolder'), 'saldo-'))
    // The server may run as another user, who must be able to pass.
    await chmod(path, 0o711)
  })
  afterAll(async () => {
    await Promise.all(processes.map((started) => started.kill('SIGKILL')))
    if (path === undefined) return
    await stopEmbeddedPostgres(path)
    await rm(path, { recursive: true, force: true })
  })
  const start = (args: readonly string[], options: StartOptions = {}): SaldoProcess => {
    // Port 0: the system chooses one that is free.
    const given = { SALDO_DATA_DIR: pathOf(), SALDO_PORT: '0', ...folderSettings }
    const started = startSaldo(args, { ...options, settings: { ...given, ...options.settings } })
    processes.push(started)
    return started
  }
  return {
    get path() {
      return pathOf()
    },
    start,
    run: (args, options) => start(args, options).ended,
  }
}

/** Without a folder that is made and removed: for verbs that must fail before they touch one. */
export function startSaldo(
  args: readonly string[],
  { settings: given = {}, input = '', limitMs = LIMIT_MS, main = MAIN }: StartOptions = {},
): SaldoProcess {
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...compileCache, ...outside(), ...given },
  })
  // A process that ends without reading is no failure of the test.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const printed = { stdout: [] as string[], stderr: [] as string[] }
  const watchers = new Set<() => void>()
  const listeners: ((line: string) => void)[] = []
  for (const stream of ['stdout', 'stderr'] as const) {
    createInterface({ input: child[stream] }).on('line', (line) => {
      printed[stream].push(line)
      for (const watch of watchers) watch()
      if (stream === 'stdout') for (const listener of listeners) listener(line)
    })
  }
  const tooLong = setTimeout(() => child.kill('SIGKILL'), limitMs)
  const { promise: ended, resolve, reject } = Promise.withResolvers<Ended>()
  child.on('error', reject)
  child.on('close', (code) => {
    clearTimeout(tooLong)
    resolve({ code, stdout: printed.stdout.join('\n'), stderr: printed.stderr.join('\n') })
  })
  return {
    pid: child.pid ?? -1,
    ended,
    line(pattern) {
      const found = (): string | undefined =>
        [...printed.stdout, ...printed.stderr].find((line) => pattern.test(line))
      return new Promise((resolveLine, rejectLine) => {
        const watch = (): void => {
          const line = found()
          if (line === undefined) return
          watchers.delete(watch)
          resolveLine(line)
        }
        watchers.add(watch)
        watch()
        ended.then(({ code, stderr }) => {
          const problem = `saldo ${args.join(' ')} ended with ${code} before ${pattern}: ${stderr}`
          rejectLine(new Error(problem))
        }, rejectLine)
      })
    },
    onResult: (listener) => void listeners.push(listener),
    kill(signal) {
      child.kill(signal)
      return ended
    },
  }
}

/** The environment of the test run without anybody's Saldo settings. */
function outside(): NodeJS.ProcessEnv {
  const names = new Set<string>(Object.values(settings).map(({ name }) => name))
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !names.has(name)))
}
