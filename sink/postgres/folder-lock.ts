import { setTimeout as delay } from 'node:timers/promises'
import { DatabaseSync } from 'node:sqlite'
import { SaldoError } from '../../schemas/errors.ts'

const LOCK_WAIT_MS = 120_000
const LOCK_POLL_MS = 25
const SQLITE_BUSY = 5

/**
 * Runs `work` while no other process or thread runs work under the same lock file.
 *
 * Invariant: the lock dies with its process. It is the operating system's file lock, reached through
 * SQLite because Node has no `flock`; a file that holds a pid would outlive `kill -9`, and two
 * contenders that both find it stale can both take it.
 */
export async function withFolderLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  const lock = new DatabaseSync(file, { timeout: 0 })
  try {
    await acquire(lock, file)
    return await work()
  } finally {
    lock.close()
  }
}

async function acquire(lock: DatabaseSync, file: string): Promise<void> {
  const deadline = Date.now() + LOCK_WAIT_MS
  while (!tryAcquire(lock)) {
    if (Date.now() > deadline) {
      throw new SaldoError(
        'SALDO_DATABASE_UNAVAILABLE',
        `another process has been starting or stopping the database of "${file}" for ${LOCK_WAIT_MS / 1000} s`,
        { retryable: true },
      )
    }
    await delay(LOCK_POLL_MS)
  }
}

function tryAcquire(lock: DatabaseSync): boolean {
  try {
    // Without a journal on disk the lock file stays empty, whatever kills its holder.
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    return true
  } catch (error) {
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) return false
    throw error
  }
}
