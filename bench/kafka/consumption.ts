/** How far a group has come in the commands, and what it took: the same look at either engine, from outside. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Pool } from 'pg'
import type { Admin } from 'kafkajs'
import { backendCpu, backendsOf, total } from '../cpu.ts'
import { patiently } from './bench.ts'
import { cpuOf, cpuOfAll, residentMiB } from './process-cpu.ts'

const LOOK_EVERY_MS = 200
const NOTE_EVERY_MS = 4000
/** What came before was compiled, loaded and filled with it. */
const WARM_UP_SHARE = 0.2
/** Nothing consumed for so long is a failure. */
const PATIENCE_MS = 180_000

export type Group = {
  readonly id: string
  readonly topic: string
  readonly total: number
  readonly pids: readonly number[]
  readonly brokerPid: number
  readonly pool: Pool | undefined
  /** Rejects when the engine cannot go on. */
  readonly ended: Promise<unknown>
}

export type Consumption = {
  readonly seconds: number
  readonly commandsPerSecond: number
  /** Microseconds of CPU per command while it was measured. */
  readonly appMicros: number
  readonly brokerMicros: number
  readonly postgresMicros: number
  readonly residentMiB: number
}

type Sample = {
  readonly at: number
  readonly done: number
  readonly app: number
  readonly broker: number
  readonly postgres: number
}

/** Resolves when the group has consumed everything; figures are of the last four fifths. */
export async function consumed(
  admin: Admin,
  group: Group,
  note: (text: string) => void,
): Promise<Consumption> {
  let over = false
  const ended = group.ended.finally(() => {
    over = true
  })
  ended.catch(() => undefined)
  const first = await sample(admin, group)
  let warm: Sample | undefined
  let noted = first
  let moved = first
  for (;;) {
    const now = await sample(admin, group)
    if (now.done > moved.done) moved = now
    if (now.done >= group.total * WARM_UP_SHARE) warm ??= now
    if (now.done >= group.total) {
      // So few that nobody looked in between: then all of them count, the start included.
      const from = warm === undefined || warm === now ? first : warm
      return await figuresOf(from, now, group)
    }
    if (over) throw new Error('the engine ended before it was done')
    if (now.at - moved.at > PATIENCE_MS) throw new Error(`nothing moves at ${now.done} commands`)
    if (now.at - noted.at > NOTE_EVERY_MS) {
      const rate = ((now.done - noted.done) / (now.at - noted.at)) * 1000
      note(
        `  ${Math.round((100 * now.done) / group.total)} % of ${group.total} commands, ${Math.round(rate)}/s`,
      )
      noted = now
    }
    await Promise.race([delay(LOOK_EVERY_MS), ended])
  }
}

/** Resolves when a group has consumed so much; for what is not measured. */
export async function hasConsumed(
  admin: Admin,
  group: Pick<Group, 'id' | 'topic' | 'total' | 'ended'>,
  note: (text: string) => void,
): Promise<void> {
  let over = false
  group.ended.finally(() => (over = true)).catch(() => undefined)
  let moved = { done: 0, at: performance.now() }
  let notedAt = moved.at
  for (;;) {
    const done = await committedOf(admin, group)
    if (done >= group.total) return
    if (over) throw new Error('the engine ended before it was done')
    const at = performance.now()
    if (done > moved.done) moved = { done, at }
    if (at - moved.at > PATIENCE_MS) throw new Error(`nothing moves at ${done} commands`)
    if (at - notedAt > NOTE_EVERY_MS) {
      notedAt = at
      note(`  ${done} of ${group.total} commands`)
    }
    await delay(LOOK_EVERY_MS)
  }
}

async function sample(admin: Admin, group: Group): Promise<Sample> {
  const done = await committedOf(admin, group)
  const [app, broker, postgres] = await Promise.all([
    cpuOfAll(group.pids),
    cpuOf(group.brokerPid),
    postgresCpu(group.pool),
  ])
  return { at: performance.now(), done, app, broker, postgres }
}

/** Commands behind the committed offsets; the topic holds nothing else. */
export async function committedOf(
  admin: Admin,
  { id, topic }: Pick<Group, 'id' | 'topic'>,
): Promise<number> {
  // A coordinator that was named a moment ago may not know it yet.
  const found = await patiently(() => admin.fetchOffsets({ groupId: id, topics: [topic] }))
  const offsets = found.flatMap(({ partitions }) => partitions.map(({ offset }) => Number(offset)))
  return offsets.reduce((sum, offset) => sum + Math.max(0, offset), 0)
}

export async function postgresCpu(pool: Pool | undefined): Promise<number> {
  return pool === undefined ? 0 : total(await backendCpu(await backendsOf(pool)))
}

async function figuresOf(warm: Sample, end: Sample, group: Group): Promise<Consumption> {
  const done = end.done - warm.done
  const resident = await Promise.all(group.pids.map(residentMiB))
  return {
    seconds: (end.at - warm.at) / 1000,
    commandsPerSecond: (done / (end.at - warm.at)) * 1000,
    appMicros: (end.app - warm.app) / done,
    brokerMicros: (end.broker - warm.broker) / done,
    postgresMicros: (end.postgres - warm.postgres) / done,
    residentMiB: Math.max(...resident),
  }
}
