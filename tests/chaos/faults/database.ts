import { setTimeout as delay } from 'node:timers/promises'
import { SMALL_DISK_NEEDS } from '../small-disk.ts'
import type { World } from '../world.ts'
import { never, type Fault } from './fault.ts'

const NOT_OURS = 'the database is not ours to kill'
const DOWN_MS_MAX = 1_500

/** Without a goodbye (SIGKILL), or "immediate" (SIGQUIT): both leave recovery to the next start. */
export const killServer: Fault = {
  name: 'PostgreSQL killed, then started again',
  share: 1,
  missing: ({ server }) => (server === undefined ? NOT_OURS : undefined),
  async strike(world, injected) {
    const signal = world.random.pick(['SIGKILL', 'SIGQUIT'] as const)
    const pid = await world.server?.pid()
    if (pid !== undefined) process.kill(pid, signal)
    injected()
    const ms = world.random.whole(0, DOWN_MS_MAX)
    await delay(ms)
    await world.server?.ensure()
    return `${signal}, down for ${ms} ms`
  },
}

/** PostgreSQL ends every other connection too, recovers, and goes on. */
export const killBackend: Fault = {
  name: 'kill -9 of one PostgreSQL backend',
  share: 1,
  missing: ({ server }) => (server === undefined ? NOT_OURS : undefined),
  async strike(world, injected) {
    const { pid, role } = world.random.pick(await backends(world))
    process.kill(pid, 'SIGKILL')
    injected()
    return role
  },
}

/** Several times in a row, so that what reconnects is cut again. */
export const cutConnections: Fault = {
  name: 'connections cut at random',
  share: 4,
  missing: never,
  async strike(world, injected) {
    injected()
    let cuts = 0
    for (let round = world.random.whole(1, 5); round > 0; round--) {
      const chosen = (await backends(world)).filter(() => world.random.chance(0.4))
      const pids = chosen.map(({ pid }) => pid).join(',')
      await world.query(
        `SELECT pg_terminate_backend(pid) FROM unnest('{${pids}}'::int[]) AS a(pid)`,
      )
      cuts += chosen.length
      await delay(world.random.whole(10, 300))
    }
    return `${cuts} connections`
  },
}

export const fillDisk: Fault = {
  name: "PostgreSQL's disk full for seconds",
  share: 1,
  missing: ({ disk, server }) =>
    disk === undefined || server === undefined ? `it takes ${SMALL_DISK_NEEDS}` : undefined,
  async strike(world, injected) {
    const ms = world.random.whole(1_000, 5_000)
    injected()
    await world.disk?.fillFor(ms)
    // Without room for its write-ahead log it stops, and may not be able to recover.
    const died = (await world.server?.pid()) === undefined
    await world.server?.ensure()
    return `${ms} ms${died ? ', and PostgreSQL stopped' : ''}`
  },
}

/** Connections of the engines and of the sender, but not the one that asks. */
async function backends(
  world: World,
): Promise<readonly { readonly pid: number; readonly role: string }[]> {
  const rows = await world.query(
    `SELECT pid, split_part(application_name, ':', 3) AS role FROM pg_stat_activity
     WHERE application_name LIKE 'saldo:%' AND pid <> pg_backend_pid() ORDER BY backend_start, pid`,
  )
  return rows.map(({ pid, role }) => ({ pid: Number(pid), role: String(role) }))
}
