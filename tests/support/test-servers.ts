import { join } from 'node:path'
import { inject } from 'vitest'
import { embeddedPostgres } from '../../sink/postgres/embedded-postgres.ts'
import { timescaleBundle, timescaleSettings } from './timescale-bundle.ts'

export type DatabaseKind = 'postgres' | 'timescale'

export type Availability = {
  readonly name: DatabaseKind
  readonly available: boolean
  /** Why not. */
  readonly reason?: string
}

/** What this machine can run the suites on; nothing is started to find out. */
export const databases: readonly Availability[] = [
  { name: 'postgres', available: true },
  timescale(),
]

function timescale(): Availability {
  const name = 'timescale'
  if (process.env['SALDO_TEST_TIMESCALE_URL'] !== undefined) return { name, available: true }
  if (timescaleBundle() === undefined) {
    const reason = 'neither SALDO_TEST_TIMESCALE_URL nor a TimescaleDB bundle'
    return { name, available: false, reason }
  }
  if (`${process.platform}-${process.arch}` === 'linux-x64') return { name, available: true }
  return { name, available: false, reason: 'the TimescaleDB bundle is for Linux x64' }
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
