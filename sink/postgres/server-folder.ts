import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SaldoError } from '../../schemas/errors.ts'
import { blockingFolder, serverUser, type ServerUser } from './server-user.ts'

/** Linux's name for the folder a process is in, which needs no permission on its parents. */
export const CURRENT_FOLDER = '/proc/self/cwd'

/** Where the server of one data folder keeps its things, and as whom it runs. */
export type ServerFolder = {
  readonly data: string
  /** What the server is told as its data folder; differs from `data` where it cannot walk there. */
  readonly dataArgument: string
  readonly log: string
  readonly lock: string
  readonly passwordFile: string
  readonly user: ServerUser | undefined
}

export async function serverFolder(dataDir: string): Promise<ServerFolder> {
  await mkdir(dataDir, { recursive: true })
  const folder = await realpath(dataDir)
  const data = join(folder, 'postgres')
  const user = await serverUser(data)
  return {
    data,
    dataArgument: await dataArgument(folder, data, user),
    log: join(folder, 'postgres.log'),
    lock: join(folder, 'postgres.lock'),
    passwordFile: join(folder, 'postgres-password'),
    user,
  }
}

/**
 * A process that starts in a folder may use it even when a parent is closed to its user, and Linux
 * names that folder without the parents. So root can run Saldo under a folder of mode 0700.
 */
async function dataArgument(
  folder: string,
  data: string,
  user: ServerUser | undefined,
): Promise<string> {
  const blocked = await blockingFolder(folder, user)
  if (blocked === undefined) return data
  if (process.platform === 'linux') return CURRENT_FOLDER
  throw new SaldoError(
    'SALDO_DATABASE_SETUP',
    `PostgreSQL runs as another user than root, who cannot reach "${data}" because of "${blocked}": chmod o+x "${blocked}", or set SALDO_DATA_DIR to a folder open to that user`,
  )
}

/** Call under the folder's lock. */
export async function serverPassword({ passwordFile, data }: ServerFolder): Promise<string> {
  const known = await readPassword(passwordFile)
  if (known !== undefined) return known
  if (await exists(data)) {
    throw new SaldoError(
      'SALDO_DATABASE_SETUP',
      `the database "${data}" exists but its password file "${passwordFile}" does not: restore that file, or remove both to start empty`,
    )
  }
  const password = randomBytes(24).toString('base64url')
  // Written beside and linked, so that the name never stands for half a password or replaces one.
  const unfinished = `${passwordFile}-${randomBytes(6).toString('hex')}`
  try {
    await writeFile(unfinished, password, { mode: 0o600, flag: 'wx', flush: true })
    await link(unfinished, passwordFile)
  } finally {
    await rm(unfinished, { force: true })
  }
  return password
}

async function readPassword(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return undefined
    throw new SaldoError(
      'SALDO_DATABASE_SETUP',
      `the password file "${file}" cannot be read: start Saldo as the user who owns it, or set SALDO_DATA_DIR to a folder of your own`,
      { retryable: false, cause },
    )
  }
}

export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
