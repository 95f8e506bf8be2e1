import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { settings } from '../../config/settings.ts'
import { compileCache } from '../support/compile-cache.ts'
import { ORDERS_VARIABLE, orderFile, type Order } from './points.ts'

const MAIN = join(import.meta.dirname, '..', '..', 'cli', 'main.ts')
const PRELOAD = join(import.meta.dirname, 'die-at-point.ts')
/** One that cannot start is a fault of the run, not something to be tried for ever. */
const STARTS_FAILED_MAX = 5
const DRAIN_MS_MAX = 120_000

/** `saldo` as a process that a supervisor keeps running. */
export type Engine = {
  readonly name: string
  /** Of the process that runs now. */
  pid(): number
  /** Resolves when the process that runs now, or one that comes after it, has said that it is up. */
  up(): Promise<void>
  kill(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void
  /** Resolves when the process that runs now has ended, with what ended it. */
  ended(): Promise<void>
  /** Resolves with the exit code of the next start that ends before it was up. */
  failedStart(): Promise<number | null>
  /** Ends by SIGTERM, which drains, and is not started again. */
  drain(): Promise<void>
  /** Starts it after a drain. */
  start(): Promise<void>
  /** Killed, and the process that comes after it has an order from its beginning. */
  restart(order: Order): Promise<void>
  /** The process that runs now kills or stops itself at a named point. */
  order(order: Order): void
  /** An order that is not met yet. */
  isOrdered(): boolean
  withdraw(): void
}

export type EngineOptions = {
  readonly name: string
  /** Orders and what the engines print. */
  readonly folder: string
  readonly settings: Readonly<Record<string, string>>
  /** The verb and its options. */
  readonly verb: readonly string[]
  /** What it prints when it is up. */
  readonly sign: string
  /** An engine that was up ended, and nobody had asked for it. */
  readonly onGaveUp: (sentence: string) => void
}

export function engine(options: EngineOptions): Engine {
  const { name, folder, settings: given, onGaveUp } = options
  let child: ChildProcess | undefined
  let ended: Promise<void> = Promise.resolve()
  let wanted = false
  let failedStarts = 0
  let nextOrder: Order | undefined
  let up = Promise.withResolvers<void>()
  let failed = Promise.withResolvers<number | null>()

  const start = async (): Promise<void> => {
    wanted = true
    up = Promise.withResolvers()
    const output = await open(join(folder, `${name}.log`), 'a')
    const started = spawn(process.execPath, ['--import', PRELOAD, MAIN, ...options.verb], {
      // Engines start again and again: what one compiled the next ones find.
      env: { ...compileCache, ...outside(), ...given, [ORDERS_VARIABLE]: folder },
      stdio: ['ignore', 'pipe', output.fd],
    })
    await output.close()
    if (nextOrder !== undefined) writeOrder(started.pid, nextOrder)
    nextOrder = undefined
    let isUp = false
    started.stdout?.on('data', (text: Buffer) => {
      isUp ||= text.includes(options.sign)
      if (isUp) up.resolve()
    })
    child = started
    ended = once(started, 'close').then(([code, signal]) => {
      rmSync(orderFile(folder, started.pid ?? 0), { force: true })
      return whenEnded(isUp, code as number | null, signal as string | null)
    })
  }
  const whenEnded = async (isUp: boolean, code: number | null, signal: string | null) => {
    if (isUp) failedStarts = 0
    // One that was not up yet has no handler for the signal.
    if (!wanted && isUp && code !== 0) onGaveUp(`${name} drained with ${code ?? signal}`)
    if (!wanted) return
    // What kills itself at a named point ends like one that was killed. What had not started yet may find no database.
    if (signal !== 'SIGKILL') {
      if (!isUp) {
        failed.resolve(code)
        failed = Promise.withResolvers()
      }
      if (isUp) onGaveUp(`${name} gave up with exit code ${code}`)
      else if (++failedStarts > STARTS_FAILED_MAX) onGaveUp(`${name} does not start`)
      if (failedStarts > STARTS_FAILED_MAX) return
    }
    await start()
  }
  const writeOrder = (pid: number | undefined, order: Order): void => {
    writeFileSync(orderFile(folder, pid ?? 0), JSON.stringify(order))
  }
  return {
    name,
    pid: () => child?.pid ?? -1,
    up: () => up.promise,
    kill: (signal) => void child?.kill(signal),
    ended: () => ended,
    failedStart: () => failed.promise,
    start,
    async restart(order) {
      nextOrder = order
      child?.kill('SIGKILL')
      await ended
    },
    async drain() {
      wanted = false
      child?.kill('SIGTERM')
      const tooLong = setTimeout(() => {
        onGaveUp(`${name} was not drained after ${DRAIN_MS_MAX / 1000} s`)
        child?.kill('SIGKILL')
      }, DRAIN_MS_MAX)
      await ended
      clearTimeout(tooLong)
    },
    order: (order) => writeOrder(child?.pid, order),
    isOrdered: () => existsSync(orderFile(folder, child?.pid ?? 0)),
    withdraw: () => rmSync(orderFile(folder, child?.pid ?? 0), { force: true }),
  }
}

/** The environment of the run without anybody's Saldo settings. */
function outside(): NodeJS.ProcessEnv {
  const names = new Set<string>(Object.values(settings).map(({ name }) => name))
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !names.has(name)))
}
