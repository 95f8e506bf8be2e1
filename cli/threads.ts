import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { SaldoError, type ErrorCode } from '../schemas/errors.ts'
import type { RoleName, RoleOptions } from './roles.ts'

export type Failure = { readonly code: ErrorCode | undefined; readonly message: string }

/** What a thread says; it is asked to drain by any message. */
export type FromThread =
  | { readonly kind: 'ready'; readonly url: string | undefined }
  | { readonly kind: 'drained' }
  | ({ readonly kind: 'failed' } & Failure)

/** Errors lose their class on the way between threads. */
export function failureOf(error: unknown): Failure {
  if (error instanceof SaldoError) return { code: error.code, message: error.message }
  return {
    code: undefined,
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
  }
}

function errorOf({ code, message }: Failure): Error {
  return code === undefined ? new Error(message) : new SaldoError(code, message)
}

export type RoleThread = {
  readonly role: RoleName
  readonly url: string | undefined
  /** Rejects when the role cannot go on. */
  readonly ended: Promise<void>
  drain(): Promise<void>
  /** Ends the thread at once, as a crash would. */
  kill(): Promise<void>
}

const DRAIN_MS_MAX = 30_000

/** Starts a role in a thread of its own and resolves when it is ready. */
export async function startThread(options: RoleOptions): Promise<RoleThread> {
  // A file of the npm package is JavaScript, one of a checkout is not.
  const entry = `./role-thread${extname(import.meta.filename)}`
  const worker = new Worker(new URL(entry, import.meta.url), { workerData: options })
  const ready = Promise.withResolvers<string | undefined>()
  const ended = Promise.withResolvers<void>()
  ended.promise.catch(() => undefined)
  const fail = (error: Error): void => {
    ready.reject(error)
    ended.reject(error)
  }
  worker.on('message', (message: FromThread) => {
    if (message.kind === 'ready') ready.resolve(message.url)
    else if (message.kind === 'failed') fail(errorOf(message))
    else ended.resolve()
  })
  worker.on('error', (error) => fail(error instanceof Error ? error : new Error(String(error))))
  worker.on('exit', () => {
    const stopped = new SaldoError('SALDO_ENGINE_STOPPED', `the ${options.role} thread stopped`)
    ready.reject(stopped)
    ended.resolve()
  })
  try {
    const url = await ready.promise
    return {
      role: options.role,
      url,
      ended: ended.promise,
      async kill() {
        await worker.terminate()
      },
      async drain() {
        worker.postMessage('drain')
        const tooLong = setTimeout(() => void worker.terminate(), DRAIN_MS_MAX)
        await ended.promise.finally(() => clearTimeout(tooLong))
      },
    }
  } catch (error) {
    await worker.terminate()
    throw error
  }
}
