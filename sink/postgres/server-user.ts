import { execFile } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { dirname, parse } from 'node:path'
import { promisify } from 'node:util'
import { SaldoError } from '../../schemas/errors.ts'

const exec = promisify(execFile)

export type ServerUser = { readonly uid: number; readonly gid: number }

/**
 * Whom the server runs as, or undefined for "as ourselves". PostgreSQL refuses to run as root, so
 * root hands it to the owner of an existing data folder, else to the user `postgres`.
 */
export async function serverUser(dataFolder: string): Promise<ServerUser | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const owner = await stat(dataFolder).catch(() => undefined)
  if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid }
  return (await postgresUser()) ?? (await createPostgresUser())
}

async function postgresUser(): Promise<ServerUser | undefined> {
  try {
    const [uid, gid] = await Promise.all([
      exec('id', ['-u', 'postgres']),
      exec('id', ['-g', 'postgres']),
    ])
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) }
  } catch {
    return undefined
  }
}

async function createPostgresUser(): Promise<ServerUser> {
  try {
    await exec('groupadd', ['--force', '--system', 'postgres'])
    await exec('useradd', ['--system', '--gid', 'postgres', '--no-create-home', 'postgres'])
  } catch (cause) {
    // Two data folders may be set up at the same moment: the loser finds the user made by the winner.
    const user = await postgresUser()
    if (user !== undefined) return user
    throw new SaldoError(
      'SALDO_DATABASE_SETUP',
      'PostgreSQL does not run as root and the user "postgres" cannot be created: create it, or start Saldo as another user',
      { retryable: false, cause },
    )
  }
  const user = await postgresUser()
  if (user === undefined) throw new Error('useradd succeeded without creating the user postgres')
  return user
}

/** The topmost folder on the way to `path` that `user` may not pass, `path` itself included. */
export async function blockingFolder(
  path: string,
  user: ServerUser | undefined,
): Promise<string | undefined> {
  if (user === undefined) return undefined
  const folders = [path]
  for (let at = path; at !== parse(at).root; at = dirname(at)) folders.unshift(dirname(at))
  for (const folder of folders) {
    const { mode, uid, gid } = await stat(folder)
    const passable =
      uid === user.uid ? mode & 0o100 : gid === user.gid ? mode & 0o010 : mode & 0o001
    if (passable === 0) return folder
  }
  return undefined
}
