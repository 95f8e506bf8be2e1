import { chmod, mkdtemp, readdir, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { stopEmbeddedPostgres } from '../../sink/postgres/embedded-postgres.ts'
import { killBroker } from './kafka-broker.ts'

const MEMORY_FOLDER = '/dev/shm'
const MEMORY_FREE_BYTES_MIN = 4 * 1024 ** 3

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where this run keeps the data of its servers; each folder in it may hold one server. */
    runFolder: string
  }
}

/**
 * Announces a folder for the servers of this run and stops whatever was started there. It starts
 * nothing itself: the first test that needs a server does (tests/support/postgres.ts).
 */
export default async function globalSetup(project: TestProject): Promise<() => Promise<void>> {
  const parent = await serverParent()
  await sweep(parent)
  const runFolder = await mkdtemp(join(parent, `saldo-tests-${process.pid}-`))
  // The server may run as another user, who must be able to pass.
  await chmod(runFolder, 0o711)
  project.provide('runFolder', runFolder)
  return () => stopAndRemove(runFolder)
}

/** Memory, where the machine has enough: an fsync costs nothing there and need not be switched off. */
async function serverParent(): Promise<string> {
  const memory = await statfs(MEMORY_FOLDER).catch(() => undefined)
  const enough = memory !== undefined && memory.bavail * memory.bsize >= MEMORY_FREE_BYTES_MIN
  return enough ? MEMORY_FOLDER : tmpdir()
}

/** Runs that were killed could not clean up: do it for those whose process is gone. */
async function sweep(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const pid = Number(/^saldo-tests-(\d+)-/.exec(name)?.[1] ?? 0)
    if (pid > 0 && !isAlive(pid)) await stopAndRemove(join(parent, name))
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

async function stopAndRemove(runFolder: string): Promise<void> {
  const servers = await readdir(runFolder)
  for (const name of servers) {
    if (name.startsWith('kafka-')) killBroker(join(runFolder, name))
    else await stopEmbeddedPostgres(join(runFolder, name))
  }
  await rm(runFolder, { recursive: true, force: true })
}
