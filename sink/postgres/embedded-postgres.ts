import { setTimeout as delay } from 'node:timers/promises'
import { SaldoError } from '../../schemas/errors.ts'
import { withFolderLock } from './folder-lock.ts'
import { holdServer, type Holder } from './holder.ts'
import { serverBinaries, type ServerBinaries } from './server-binaries.ts'
import { serverFolder, serverPassword, type ServerFolder } from './server-folder.ts'
import { initialiseServer, livePostmaster, startServer, stopServer } from './server-process.ts'

/**
 * The PostgreSQL server of one data folder, shared by every process that uses the folder.
 *
 * Invariant: a folder has at most one server. Whoever finds, starts or stops it holds the folder's
 * lock, and whoever uses it holds a connection, so nobody stops a server that another process uses.
 */

const ANSWER_TIMEOUT_MS = 60_000
const ANSWER_POLL_MS = 50

export type EmbeddedServer = {
  readonly url: string
  /** Whether this call started the server, rather than found it. */
  readonly started: boolean
  /** Lets go of the server; the last one out stops it. Close your pools first. */
  release(): Promise<void>
}

export type EmbeddedOptions = {
  readonly dataDir: string
  readonly onStatus?: (line: string) => void
  /** PostgreSQL settings over Saldo's own; a server that is already running keeps those it has. */
  readonly serverSettings?: Readonly<Record<string, string>>
}

export async function embeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const onStatus = options.onStatus ?? (() => {})
  const folder = await serverFolder(options.dataDir)
  return withFolderLock(folder.lock, async () => {
    const password = await serverPassword(folder)
    const binaries = await serverBinaries(folder.user, onStatus)
    const found = await findServer(folder, password)
    if (found !== undefined) {
      return shared(folder, binaries, found, false)
    }
    onStatus(`starting PostgreSQL ${binaries.version} in ${folder.data}`)
    await initialiseServer(folder, binaries, password)
    await startServer(folder, binaries, options.serverSettings ?? {})
    const started = await findServer(folder, password)
    if (started === undefined) throw gone(folder)
    onStatus(`PostgreSQL is ready at ${started.address}`)
    return shared(folder, binaries, started, true)
  })
}

/** Stops the server of a folder whoever uses it. */
export async function stopEmbeddedPostgres(dataDir: string): Promise<void> {
  const folder = await serverFolder(dataDir)
  await withFolderLock(folder.lock, async () => {
    if ((await livePostmaster(folder)) === undefined) return
    await stopServer(folder, await serverBinaries(folder.user, () => {}))
  })
}

function shared(
  folder: ServerFolder,
  binaries: ServerBinaries,
  holder: Holder,
  started: boolean,
): EmbeddedServer {
  let released: Promise<void> | undefined
  async function release(): Promise<void> {
    await withFolderLock(folder.lock, async () => {
      const last = await holder.leave()
      if (last && (await livePostmaster(folder)) !== undefined) await stopServer(folder, binaries)
    })
  }
  return { url: holder.url, started, release: () => (released ??= release()) }
}

/** Waits while a server that is there is still starting, recovering or stopping. */
async function findServer(folder: ServerFolder, password: string): Promise<Holder | undefined> {
  const deadline = Date.now() + ANSWER_TIMEOUT_MS
  for (;;) {
    const server = await livePostmaster(folder)
    if (server === undefined) return undefined
    try {
      return await holdServer(server.port, password)
    } catch (error) {
      if (!(error instanceof SaldoError && error.retryable) || Date.now() > deadline) throw error
    }
    await delay(ANSWER_POLL_MS)
  }
}

function gone({ log }: ServerFolder): SaldoError {
  return new SaldoError(
    'SALDO_DATABASE_UNAVAILABLE',
    `PostgreSQL stopped right after its start; see "${log}"`,
    {
      retryable: true,
    },
  )
}
