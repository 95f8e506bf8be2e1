import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest'
import {
  embeddedPostgres,
  stopEmbeddedPostgres,
  type EmbeddedServer,
} from '../../sink/postgres/embedded-postgres.ts'
import { openPool } from '../../sink/postgres/pool.ts'

const HOLDER = join(import.meta.dirname, '..', 'support', 'embedded-holder.ts')

let dataDir: string
const children: ChildProcess[] = []

beforeEach(async () => {
  dataDir = await mkdtemp(join(inject('runFolder'), 'embedded-'))
  await chmod(dataDir, 0o755)
})

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await stopEmbeddedPostgres(dataDir)
  await rm(dataDir, { recursive: true })
})

describe('the embedded server', () => {
  test('is found by the second who asks and stopped by the last who leaves', async () => {
    const first = await embeddedPostgres({ dataDir })
    const second = await embeddedPostgres({ dataDir })
    expect([first.started, second.started]).toEqual([true, false])
    expect(second.url).toBe(first.url)

    await first.release()
    expect(await query(second, 'SELECT current_database() AS name')).toEqual([{ name: 'saldo' }])
    await second.release()
    expect(await runningPid()).toBeUndefined()
  })

  test('is left running while another process uses it', async () => {
    const ours = await embeddedPostgres({ dataDir })
    const theirs = await holder()
    expect(theirs).toMatchObject({ url: ours.url, started: false })

    await ours.release()
    expect(await runningPid()).toBeDefined()
    await theirs.leave()
    expect(await runningPid()).toBeUndefined()
  })

  test('is left running while a pool of another process is open', async () => {
    const ours = await embeddedPostgres({ dataDir })
    const theirs = new pg.Client({ connectionString: ours.url, application_name: 'saldo:1:tables' })
    await theirs.connect()

    await ours.release()
    expect(await theirs.query('SELECT 1')).toMatchObject({ rowCount: 1 })
    await theirs.end()
  })

  test('is one, however many processes start at the same moment', async () => {
    const holders = await Promise.all([holder(), holder(), holder()])
    expect(holders.filter(({ started }) => started)).toHaveLength(1)
    expect(new Set(holders.map(({ url }) => url)).size).toBe(1)
  })

  test('starts again with its data and its port after kill -9', async () => {
    const killed = await embeddedPostgres({ dataDir })
    await query(killed, 'CREATE TABLE kept AS SELECT 1 AS one')
    process.kill(await serverPid(), 'SIGKILL')

    const next = await embeddedPostgres({ dataDir })
    expect(next).toMatchObject({ started: true, url: killed.url })
    expect(await query(next, 'SELECT one FROM kept')).toEqual([{ one: 1 }])
  })

  test('starts although its old pid now belongs to another program of the same user', async () => {
    const before = await embeddedPostgres({ dataDir })
    process.kill(await serverPid(), 'SIGKILL')
    const { uid, gid } = await stat(join(dataDir, 'postgres'))
    const user = process.getuid?.() === 0 ? { uid, gid } : {}
    const stranger = spawn('sleep', ['600'], { ...user, stdio: 'ignore' })
    children.push(stranger)
    await once(stranger, 'spawn')
    const pidFile = join(dataDir, 'postgres', 'postmaster.pid')
    const [, ...rest] = (await readFile(pidFile, 'utf8')).split('\n')
    await writeFile(pidFile, [stranger.pid, ...rest].join('\n'))

    const after = await embeddedPostgres({ dataDir })
    // Its port may be somebody else's by now.
    expect([after.started, new URL(after.url).password]).toEqual([
      true,
      new URL(before.url).password,
    ])
    expect(stranger.exitCode).toBeNull()
  })

  test('outlives its starter, killed with its whole process group, and is found', async () => {
    const starter = await holder()
    starter.killGroup()
    await starter.exited

    const next = await embeddedPostgres({ dataDir })
    expect(next).toMatchObject({ started: false, url: starter.url })
    await vi.waitFor(async () => expect(await holders(next)).toBe(1))
    await next.release()
    expect(await runningPid()).toBeUndefined()
  })

  test('keeps its random password in a file that only its owner reads', async () => {
    const { url } = await embeddedPostgres({ dataDir })
    const file = join(dataDir, 'postgres-password')
    expect(new URL(url).password).toBe(await readFile(file, 'utf8'))
    expect((await stat(file)).mode & 0o777).toBe(0o600)

    const guess = new pg.Client(url.replace(/:[^:@]+@/, ':postgres@'))
    await expect(guess.connect()).rejects.toMatchObject({ code: '28P01' })
  })

  test('listens on the loopback address alone and keeps its durability', async () => {
    const server = await embeddedPostgres({ dataDir, serverSettings: { work_mem: '5MB' } })
    const shown = await query(
      server,
      `SELECT json_object_agg(name, setting) AS settings FROM pg_settings
        WHERE name IN ('listen_addresses', 'unix_socket_directories', 'fsync', 'work_mem')`,
    )
    const settings = {
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      fsync: 'on',
      work_mem: '5120',
    }
    expect(shown).toEqual([{ settings }])
  })

  test.runIf(process.platform === 'linux')(
    'runs in a folder closed to everybody else',
    async () => {
      await chmod(dataDir, 0o700)
      const first = await embeddedPostgres({ dataDir })
      await query(first, 'CREATE TABLE kept AS SELECT 1 AS one')
      expect(await embeddedPostgres({ dataDir })).toMatchObject({ started: false })
      await stopEmbeddedPostgres(dataDir)
      const next = await embeddedPostgres({ dataDir })
      expect(await query(next, 'SELECT one FROM kept')).toEqual([{ one: 1 }])
    },
  )

  test('refuses a database whose password is lost, and says what to do', async () => {
    const server = await embeddedPostgres({ dataDir })
    await server.release()
    await rm(join(dataDir, 'postgres-password'))
    await expect(embeddedPostgres({ dataDir })).rejects.toMatchObject({
      code: 'SALDO_DATABASE_SETUP',
      message: expect.stringContaining('restore that file'),
    })
  })

  test('says what its log says when it does not start', async () => {
    const impossible = embeddedPostgres({ dataDir, serverSettings: { shared_buffers: 'many' } })
    await expect(impossible).rejects.toMatchObject({
      code: 'SALDO_DATABASE_SETUP',
      message: expect.stringContaining('invalid value for parameter "shared_buffers"'),
    })
  })
})

type ChildHolder = {
  readonly url: string
  readonly started: boolean
  readonly exited: Promise<unknown>
  leave(): Promise<unknown>
  killGroup(): void
}

/** Another process that uses the folder's server. */
async function holder(): Promise<ChildHolder> {
  const child = spawn(process.execPath, [HOLDER, dataDir], {
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  children.push(child)
  const exited = once(child, 'exit')
  const [line] = await once(createInterface(child.stdout), 'line')
  const { url, started } = JSON.parse(String(line)) as { url: string; started: boolean }
  return {
    url,
    started,
    exited,
    leave: () => (child.stdin.end(), exited),
    killGroup: () => void process.kill(-(child.pid ?? Number.NaN), 'SIGKILL'),
  }
}

async function query(server: EmbeddedServer, sql: string): Promise<unknown[]> {
  const pool = openPool(server.url, { role: 'test', max: 1 })
  try {
    return (await pool.query(sql)).rows
  } finally {
    await pool.end()
  }
}

async function holders(server: EmbeddedServer): Promise<number> {
  const users = `SELECT FROM pg_stat_activity WHERE application_name LIKE 'saldo:%:holder'`
  return (await query(server, users)).length
}

/** The server removes its pid file as its last act. */
async function runningPid(): Promise<number | undefined> {
  const file = join(dataDir, 'postgres', 'postmaster.pid')
  const text = await readFile(file, 'utf8').catch(() => undefined)
  return text === undefined ? undefined : Number(text.split('\n')[0])
}

async function serverPid(): Promise<number> {
  const pid = await runningPid()
  if (pid === undefined) throw new Error('no server runs')
  return pid
}
