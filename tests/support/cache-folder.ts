import { existsSync } from 'node:fs'
import {
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

/** Where things that are dear to make are kept from run to run, outside the repository. */
export const cacheRoot = join(
  process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'),
  'saldo-tests',
)

const LOCK_AGE_MAX_MS = 1_200_000
const LOCK_PAUSE_MS = 100

/**
 * A folder that is made once and then kept: it is whole or not there. Whoever comes while another process makes it waits
 * for that one; what a process left behind that was killed is made again.
 */
export async function cacheFolder(
  folder: string,
  make: (unfinished: string) => Promise<void>,
): Promise<string> {
  await mkdir(dirname(folder), { recursive: true })
  const lock = `${folder}.lock`
  while (!existsSync(folder)) {
    if (await takeLock(lock)) {
      try {
        if (!existsSync(folder)) await makeFolder(folder, make)
      } finally {
        await rm(lock, { force: true })
      }
    } else {
      await pause(LOCK_PAUSE_MS)
    }
  }
  return folder
}

async function makeFolder(folder: string, make: (unfinished: string) => Promise<void>) {
  await removeUnfinished(folder)
  const unfinished = await mkdtemp(`${folder}.unfinished-${process.pid}-`)
  try {
    await make(unfinished)
    // The rename fails when another process was first, which took the lock for forgotten: its folder is as good.
    await rename(unfinished, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error
    })
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
}

async function removeUnfinished(folder: string): Promise<void> {
  const start = `${basename(folder)}.unfinished-`
  for (const name of await readdir(dirname(folder))) {
    if (!name.startsWith(start) || isRunning(Number.parseInt(name.slice(start.length), 10)))
      continue
    await rm(join(dirname(folder), name), { recursive: true, force: true })
  }
}

/** False while another process has it. One whose process is gone, or that is very old, counts for nothing. */
async function takeLock(lock: string): Promise<boolean> {
  const own = `${lock}-${process.pid}`
  await writeFile(own, `${process.pid}`)
  try {
    // Whoever sees it sees whose it is.
    await link(own, lock)
    return true
  } catch {
    await removeForgotten(lock)
    return false
  } finally {
    await rm(own, { force: true })
  }
}

async function removeForgotten(lock: string): Promise<void> {
  const [pid, made] = await Promise.all([readFile(lock, 'utf8'), stat(lock)]).catch(() => [])
  if (pid === undefined || made === undefined) return
  if (!isRunning(Number(pid)) || Date.now() - made.mtimeMs > LOCK_AGE_MAX_MS) {
    await rm(lock, { force: true })
  }
}

export function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
