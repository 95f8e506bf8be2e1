import { execFile, spawn } from 'node:child_process'
import {
  appendFile,
  chown,
  mkdir,
  mkdtemp,
  open,
  readFile,
  realpath,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { SaldoError } from '../../schemas/errors.ts'
import type { ServerBinaries } from './server-binaries.ts'
import { CURRENT_FOLDER, exists, hasCode, type ServerFolder } from './server-folder.ts'
import type { ServerUser } from './server-user.ts'

const START_ATTEMPTS_MAX = 10
const START_RETRY_MS = 200
/** Crash recovery of a big write-ahead log is slow and must not be mistaken for a failure. */
const START_TIMEOUT_SECONDS = 300
const STOP_TIMEOUT_SECONDS = 60
const LOG_TAIL_LINES = 5

export type Postmaster = { readonly pid: number; readonly port: number }

/** For a laptop; durability settings stay at PostgreSQL's safe defaults. */
const laptopSettings: Readonly<Record<string, string>> = {
  shared_buffers: '256MB',
  max_connections: '100',
  max_wal_size: '2GB',
  wal_compression: 'on',
  random_page_cost: '1.1',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
}

/** The running server of a folder; a file left by a server that is gone does not count. */
export async function livePostmaster(folder: ServerFolder): Promise<Postmaster | undefined> {
  const lines = await pidFileLines(folder)
  const pid = Number(lines[0])
  const port = Number(lines[3])
  if (!(pid > 0 && port > 0)) return undefined
  return (await isServerOf(folder, pid)) ? { pid, port } : undefined
}

async function pidFileLines({ data }: ServerFolder): Promise<string[]> {
  try {
    return (await readFile(join(data, 'postmaster.pid'), 'utf8')).split('\n')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}

/** The pid may have been given to another program since, or belong to a zombie nobody reaped. */
async function isServerOf(folder: ServerFolder, pid: number): Promise<boolean> {
  const command = await commandLine(pid).catch(() => '')
  if (process.platform === 'win32') return command.includes('postgres.exe')
  const words = command.replaceAll('\0', ' ')
  // Either name: the folder may have been opened or closed to the server's user since the start.
  return [folder.data, CURRENT_FOLDER].some((data) => words.includes(`postgres -D ${data}`))
}

async function commandLine(pid: number): Promise<string> {
  const run = promisify(execFile)
  if (process.platform === 'linux') return readFile(`/proc/${pid}/cmdline`, 'utf8')
  if (process.platform === 'win32')
    return (await run('tasklist', ['/FI', `PID eq ${pid}`, '/NH'])).stdout
  return (await run('ps', ['-ww', '-o', 'command=', '-p', String(pid)])).stdout
}

/** Creates the data folder if there is none; a crash halfway leaves none. */
export async function initialiseServer(
  folder: ServerFolder,
  binaries: ServerBinaries,
  password: string,
): Promise<void> {
  if (await exists(folder.data)) return assertSameMajor(folder, binaries)
  const unfinished = `${folder.data}-new`
  await rm(unfinished, { recursive: true, force: true })
  await mkdir(unfinished, { mode: 0o700 })
  await own(unfinished, folder.user)
  const secrets = await mkdtemp(join(await realpath(tmpdir()), 'saldo-initdb-'))
  try {
    const passwordFile = join(secrets, 'password')
    await writeFile(passwordFile, password, { mode: 0o600, flag: 'wx' })
    await own(passwordFile, folder.user)
    await own(secrets, folder.user)
    const target = folder.dataArgument === folder.data ? unfinished : folder.dataArgument
    // The built-in locale provider is the same on every platform; the C library's C.UTF-8 is not.
    const locale = [
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--locale=C',
      '--encoding=UTF8',
    ]
    const login = ['--username=postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`]
    const code = await runTool(
      binaries.initdb,
      ['-D', target, ...login, ...locale],
      unfinished,
      folder,
    )
    if (code !== 0) throw await failed(folder, `PostgreSQL cannot create "${folder.data}"`)
  } finally {
    await rm(secrets, { recursive: true, force: true })
  }
  await appendFile(join(unfinished, 'postgresql.conf'), "\ninclude_if_exists = 'saldo.conf'\n")
  await rename(unfinished, folder.data)
}

async function assertSameMajor({ data }: ServerFolder, { version }: ServerBinaries): Promise<void> {
  const created = (await readFile(join(data, 'PG_VERSION'), 'utf8')).trim()
  if (version.split('.')[0] === created) return
  throw new SaldoError(
    'SALDO_DATABASE_SETUP',
    `the database "${data}" was created by PostgreSQL ${created} and this Saldo brings PostgreSQL ${version}: upgrade it with pg_upgrade, or start the Saldo that created it`,
  )
}

async function own(path: string, user: ServerUser | undefined): Promise<void> {
  if (user !== undefined) await chown(path, user.uid, user.gid)
}

/** Starts the server in a session of its own: it outlives this process and never sees its Ctrl-C. */
export async function startServer(
  folder: ServerFolder,
  binaries: ServerBinaries,
  settings: Readonly<Record<string, string>>,
): Promise<Postmaster> {
  const start = [
    'start',
    '-s',
    '-w',
    '-t',
    String(START_TIMEOUT_SECONDS),
    '-D',
    folder.dataArgument,
  ]
  let port = await lastPort(folder)
  for (let attempt = 1; attempt <= START_ATTEMPTS_MAX; attempt += 1) {
    port = await freePort(port)
    await disownPidFile(folder)
    await writeSettings(folder, { ...laptopSettings, ...settings, ...loopbackOnly(port) })
    const code = await runTool(binaries.pgCtl, start, folder.data, folder)
    const server = await livePostmaster(folder)
    if (code === 0 && server !== undefined) return server
    // The port may have been taken meanwhile, or children of a killed server may still be leaving.
    await delay(START_RETRY_MS)
  }
  throw await failed(folder, `PostgreSQL does not start in "${folder.data}"`)
}

/** Disconnects every client, writes a checkpoint and returns when the server is gone. */
export async function stopServer(folder: ServerFolder, { pgCtl }: ServerBinaries): Promise<void> {
  const wait = ['-w', '-t', String(STOP_TIMEOUT_SECONDS)]
  const code = await runTool(
    pgCtl,
    ['stop', '-s', '-m', 'fast', ...wait, '-D', folder.dataArgument],
    folder.data,
    folder,
  )
  if (code !== 0 && (await livePostmaster(folder)) !== undefined) {
    throw await failed(folder, `PostgreSQL does not stop in "${folder.data}"`)
  }
}

function loopbackOnly(port: number): Record<string, string> {
  return { listen_addresses: '127.0.0.1', port: String(port), unix_socket_directories: '' }
}

/** A file and not `-o`, because pg_ctl hands its options to a shell. */
async function writeSettings(
  { data }: ServerFolder,
  settings: Record<string, string>,
): Promise<void> {
  const lines = Object.entries(settings).map(
    ([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`,
  )
  await writeFile(join(data, 'saldo.conf'), lines.join(''))
}

/**
 * PostgreSQL refuses to start while the pid in a left-over file is alive, even as another program.
 * The pid of its own starter it ignores, and it still checks the shared memory named in the file;
 * so that is better than a removal. Call only when `livePostmaster` found none.
 */
async function disownPidFile(folder: ServerFolder): Promise<void> {
  const [pid, ...rest] = await pidFileLines(folder)
  if (pid === undefined || (await livePostmaster(folder)) !== undefined) return
  await writeFile(join(folder.data, 'postmaster.pid'), [process.pid, ...rest].join('\n'))
}

async function lastPort({ data }: ServerFolder): Promise<number> {
  const settings = await readFile(join(data, 'saldo.conf'), 'utf8').catch(() => '')
  return Number(/^port = '(\d+)'$/m.exec(settings)?.[1] ?? 0)
}

/** `preferred` if it is free, so that clients find a restarted server; else any. */
async function freePort(preferred: number): Promise<number> {
  return (await listenOnce(preferred)) ?? (await listenOnce(0)) ?? 0
}

function listenOnce(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' ? address?.port : undefined))
    })
  })
}

async function runTool(
  file: string,
  options: readonly string[],
  cwd: string,
  { user, log }: ServerFolder,
): Promise<number> {
  // The log is opened here and inherited, so it may lie where the server's user cannot reach.
  const output = await open(log, 'a', 0o600)
  try {
    return await new Promise((resolve, reject) => {
      const child = spawn(file, options, {
        ...user,
        cwd,
        // Nothing inherited: PGDATA, PGPORT and their like belong to the person's other servers.
        env: { LC_ALL: 'C' },
        detached: true,
        windowsHide: true,
        stdio: ['ignore', output.fd, output.fd],
      })
      child.once('error', reject)
      child.once('exit', (code) => resolve(code ?? -1))
    })
  } catch (cause) {
    throw new SaldoError('SALDO_DATABASE_SETUP', `"${file}" cannot be run`, {
      retryable: false,
      cause,
    })
  } finally {
    await output.close()
  }
}

async function failed({ log }: ServerFolder, sentence: string): Promise<SaldoError> {
  const lines = (await readFile(log, 'utf8').catch(() => '')).trimEnd().split('\n')
  const tail = lines.slice(-LOG_TAIL_LINES).join(' | ')
  return new SaldoError('SALDO_DATABASE_SETUP', `${sentence}; the end of "${log}" says: ${tail}`)
}
