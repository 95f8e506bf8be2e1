/** TimescaleDB beside the PostgreSQL that comes from npm: a bundle that is unpacked and named in the server's settings. */
import { execFile } from 'node:child_process'
import { globSync } from 'node:fs'
import { chmod, mkdtemp, rename, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'

const REPOSITORY = join(import.meta.dirname, '..', '..')

/** Where the bundle is; undefined where there is none. */
export function timescaleBundle(): string | undefined {
  const named = process.env['SALDO_TEST_TIMESCALE_BUNDLE']
  if (named !== undefined) return named
  return globSync('../shared/timescaledb-pg18-embedded/*.tar.xz', { cwd: REPOSITORY }).map((file) =>
    join(REPOSITORY, file),
  )[0]
}

/** What a server is started with. */
export async function timescaleSettings(): Promise<Record<string, string>> {
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
  const bundle = timescaleBundle()
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
