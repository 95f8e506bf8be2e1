import { chmod, mkdtemp, readdir, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { stopEmbeddedPostgres } from '../../sink/postgres/embedded-postgres.ts'
import { isRunning } from './cache-folder.ts'
import { killBrokers } from './kafka-broker.ts'
import { offerBroker, offerRegistry } from './kafka-shared.ts'

const MEMORY_FOLDER = '/dev/shm'
const MEMORY_FREE_BYTES_MIN = 4 * 1024 ** 3

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where this run keeps the data of its servers; each folder in it may hold one server. */
    runFolder: string
    /** Where a test asks for the broker of this run (tests/support/kafka-shared.ts). */
    kafkaDoor: number
    /** Where a test asks for its schema registry. */
    registryDoor: number
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
  const kafka = await offerBroker(join(runFolder, 'kafka-shared'))
  project.provide('kafkaDoor', kafka.port)
  const registry = await offerRegistry(join(runFolder, 'kafka-registry'))
  project.provide('registryDoor', registry.port)
  return async () => {
    await Promise.all([kafka.stop(), registry.stop()])
    await stopAndRemove(runFolder)
  }
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
    if (pid > 0 && !isRunning(pid)) await stopAndRemove(join(parent, name))
  }
}

async function stopAndRemove(runFolder: string): Promise<void> {
  for (const entry of await readdir(runFolder, { withFileTypes: true })) {
    const { name } = entry
    // Files are of tests, which keep them here for as long as the run lasts.
    if (!entry.isDirectory()) continue
    if (name.startsWith('kafka-')) killBrokers(join(runFolder, name))
    else await stopEmbeddedPostgres(join(runFolder, name))
  }
  await rm(runFolder, { recursive: true, force: true })
}
