/** What Linux tells of a process: CPU of all its threads, memory. Nothing on other systems. */
import { readFile } from 'node:fs/promises'

/** Microseconds of CPU since its start, to a hundredth of a second. */
export async function cpuOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // After the name in brackets: the 12th and 13th are user and system time in hundredths of a second (proc(5)).
  const fields = stat.split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11] ?? Number.NaN) + Number(fields[12] ?? Number.NaN)) * 10_000
}

export async function cpuOfAll(pids: readonly number[]): Promise<number> {
  const each = await Promise.all(pids.map(cpuOf))
  return each.reduce((sum, micros) => sum + micros, 0)
}

export async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Math.round(Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN) / 1024)
}
