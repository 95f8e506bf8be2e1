import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rename, rm, stat } from 'node:fs/promises'
import { globSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { inject } from 'vitest'
import { embeddedPostgres } from '../../sink/postgres/embedded-postgres.ts'

export type DatabaseKind = 'postgres' | 'timescale'

export type Availability = {
  readonly name: DatabaseKind
  readonly available: boolean
  /** Why not. */
  readonly reason?: string
}

const REPOSITORY = join(import.meta.dirname, '..', '..')
const bundle = timescaleBundle()

/** What this machine can run the suites on; nothing is started to find out. */
export const databases: readonly Availability[] = [
  { name: 'postgres', available: true },
  timescale(),
]

function timescale(): Availability {
  const name = 'timescale'
  if (process.env['SALDO_TEST_TIMESCALE_URL'] !== undefined) return { name, available: true }
  if (bundle === undefined) {
    const reason = 'neither SALDO_TEST_TIMESCALE_URL nor a TimescaleDB bundle'
    return { name, available: false, reason }
  }
  if (`${process.platform}-${process.arch}` === 'linux-x64') return { name, available: true }
  return { name, available: false, reason: 'the TimescaleDB bundle is for Linux x64' }
}

function timescaleBundle(): string | undefined {
  const named = process.env['SALDO_TEST_TIMESCALE_BUNDLE']
  if (named !== undefined) return named
  return globSync('../shared/timescaledb-pg18-embedded/*.tar.xz', { cwd: REPOSITORY }).map((file) =>
    join(REPOSITORY, file),
  )[0]
}

const servers = new Map<DatabaseKind, Promise<string>>()

/** A URL of the run's server of that kind, started by whoever asks first and stopped by global-setup.ts. */
export function serverUrl(kind: DatabaseKind): Promise<string> {
  const known = servers.get(kind) ?? startServer(kind)
  servers.set(kind, known)
  return known
}

async function startServer(kind: DatabaseKind): Promise<string> {
  const given = process.env[`SALDO_TEST_${kind.toUpperCase()}_URL`]
  if (given !== undefined) return given
  const serverSettings = {
    shared_buffers: '128MB',
    ...(kind === 'timescale' ? await timescaleSettings() : {}),
  }
  const { url } = await embeddedPostgres({
    dataDir: join(inject('runFolder'), kind),
    serverSettings,
  })
  return url
}

async function timescaleSettings(): Promise<Record<string, string>> {
  const folder = await unpackedBundle()
  return {
    shared_preload_libraries: 'timescaledb',
    extension_control_path: `$system:${folder}/share`,
    dynamic_library_path: `$libdir:${folder}/lib`,
    'timescaledb.telemetry_level': 'off',
    max_worker_processes: '20',
  }
}

/** Unpacked once per bundle; not in the run's folder, because libraries do not load from a noexec one. */
async function unpackedBundle(): Promise<string> {
  if (bundle === undefined) throw new Error('there is no TimescaleDB bundle')
  const folder = join(tmpdir(), `saldo-tests-${basename(bundle, '.tar.xz')}`)
  if (await stat(folder).catch(() => undefined)) return folder
  const unfinished = await mkdtemp(`${folder}-`)
  await promisify(execFile)('tar', ['-xJf', bundle, '-C', unfinished, '--no-same-owner'])
  await chmod(unfinished, 0o755)
  // The rename fails when another run was first: its folder is as good.
  await rename(unfinished, folder).catch(() => rm(unfinished, { recursive: true }))
  return folder
}
