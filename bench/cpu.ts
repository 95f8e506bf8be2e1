/** CPU time of this process and of the backends of a PostgreSQL on this machine, without disturbing either. */
import { readFile } from 'node:fs/promises'
import type { Pool } from 'pg'

/** Microseconds of CPU by who used them; only Linux tells about other processes. */
export type CpuTimes = ReadonlyMap<string, number>

type Backend = { readonly pid: number; readonly name: string }

/** Backends by what they are for; ours carry their role in their name. Those of this pool are left out. */
export async function backendsOf(pool: Pool): Promise<readonly Backend[]> {
  const { rows } = await pool.query<{ pid: number; name: string }>(
    `SELECT pid, CASE WHEN application_name LIKE 'saldo:%' THEN split_part(application_name, ':', 3)
                      ELSE backend_type END AS name
     FROM pg_stat_activity WHERE application_name NOT LIKE 'saldo:%:bench' ORDER BY pid`,
  )
  return rows.map(({ pid, name }) => ({ pid, name: name.replace(/^lease-\d+$/, 'lease') }))
}

export async function backendCpu(backends: readonly Backend[]): Promise<CpuTimes> {
  const times = new Map<string, number>()
  await Promise.all(
    backends.map(async ({ pid, name }) => {
      // The first field is nanoseconds on a CPU; a backend that ended since has no file.
      const text = await readFile(`/proc/${pid}/schedstat`, 'utf8').catch(() => '')
      const micros = Number(text.split(' ')[0] ?? '') / 1000
      if (micros > 0) times.set(name, (times.get(name) ?? 0) + micros)
    }),
  )
  return times
}

export function ownCpu(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** What was used since, by name; a backend that is new counts in full. */
export function since(before: CpuTimes, after: CpuTimes): CpuTimes {
  return new Map(
    Array.from(after, ([name, micros]) => [name, micros - (before.get(name) ?? 0)] as const),
  )
}

export function total(times: CpuTimes): number {
  return [...times.values()].reduce((sum, micros) => sum + micros, 0)
}
