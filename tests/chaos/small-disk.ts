import { execFile } from 'node:child_process'
import { statfs } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'

/** A disk of its own for one folder, that can be full without a full machine. */
export type SmallDisk = {
  /** Leaves a few pages, for so long, then gives the room back. */
  fillFor(ms: number): Promise<void>
  remove(): Promise<void>
}

export const SMALL_DISK_NEEDS = 'Linux, and root who may mount'

// A limit, not a reservation: only what is written takes memory.
const SIZE_BYTES = 10 * 1024 ** 3
/** So little that the next segment of PostgreSQL's write-ahead log does not fit. */
const LEFT_BYTES = 256 * 1024
const TRIES_MAX = 50

const run = promisify(execFile)

/** Undefined where this machine does not let us: see SMALL_DISK_NEEDS. */
export async function smallDisk(folder: string): Promise<SmallDisk | undefined> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined
  const options = (size: number): string => `size=${size},mode=0711`
  try {
    await run('mount', ['-t', 'tmpfs', '-o', options(SIZE_BYTES), 'saldo-chaos', folder])
  } catch {
    return undefined
  }
  const resize = (size: number) => run('mount', ['-o', `remount,${options(size)}`, folder])
  /** Shrunk rather than filled: that takes no memory of the machine. */
  const shrink = async (): Promise<void> => {
    for (let tries = 1; ; tries++) {
      const { blocks, bfree, bsize } = await statfs(folder)
      try {
        await resize((blocks - bfree) * bsize + LEFT_BYTES)
        return
      } catch (error) {
        // The server may have written more than is left since the look: no disk gets smaller than what is on it.
        if (tries === TRIES_MAX) throw error
      }
    }
  }
  return {
    async fillFor(ms) {
      await shrink()
      try {
        await delay(ms)
      } finally {
        await resize(SIZE_BYTES)
      }
    },
    remove: async () => void (await run('umount', [folder])),
  }
}
