import type { Config } from '../config/config.ts'
import { connect } from '../sink/postgres/connection.ts'
import { hasLiveMember } from '../topology/sql-leases.ts'
import { ACTOR_GROUP } from '../topology/run-actors.ts'
import { openDatabase, type Database } from './database.ts'
import { roleNeeds } from './role-needs.ts'
import { logSourceOf } from './open-log.ts'
import type { RoleName, RoleOptions } from './roles.ts'
import { accessOf, masterKeyOf } from './secrets.ts'
import { startThread, type RoleThread } from './threads.ts'

/** A database with an engine that works on it: the running one of that folder, or one of our own. */
export type Engine = { readonly database: Database; close(): Promise<void> }

/** For a role that opens and seals nothing. */
const NO_KEY = new Uint8Array()
const DAY_MS = 86_400_000
const LOOK_EVERY_MS = 1000
/** A running engine that is started again is back before that; there is no need to share its work for a moment. */
const MISSED_LOOKS_MAX = 5

/** For verbs that need answers: uses the running engine, or runs one until `close`; also when the running one leaves. */
export async function openEngine(config: Config, note: (line: string) => void): Promise<Engine> {
  const database = await openDatabase(config, note)
  let own: Promise<readonly RoleThread[]> | undefined
  let closed = false
  let missed = MISSED_LOOKS_MAX
  const look = async (): Promise<void> => {
    if (closed || own !== undefined) return
    missed = (await isRunning(database.url)) ? 0 : missed + 1
    if (missed <= MISSED_LOOKS_MAX) return
    own = startThreads(config, database.url, ['actors', 'tables'], { serve: false, note })
    await own
  }
  try {
    await look()
  } catch (error) {
    await database.release()
    throw error
  }
  const timer = setInterval(() => {
    look().catch((error: unknown) => note(`the engine did not start: ${String(error)}`))
  }, LOOK_EVERY_MS)
  timer.unref()
  return {
    database,
    async close() {
      closed = true
      clearInterval(timer)
      await drainAll(own === undefined ? [] : await own)
      await database.release()
    },
  }
}

async function isRunning(url: string): Promise<boolean> {
  const { client } = await connect(url, 'look')
  try {
    return await hasLiveMember(client, ACTOR_GROUP)
  } finally {
    await client.end()
  }
}

type ThreadOptions = {
  readonly serve: boolean
  readonly apiUrl?: string
  /** Told when a start has to wait for something. */
  readonly note?: (line: string) => void
}

/** Starts roles in threads; when one fails to start, those before it are drained. */
export async function startThreads(
  config: Config,
  databaseUrl: string,
  roles: readonly RoleName[],
  { serve, apiUrl = databaseUrl, note }: ThreadOptions,
): Promise<readonly RoleThread[]> {
  const started = await Promise.allSettled(
    roles.map(async (role) => {
      // Only the API has a port that people know; the others print theirs.
      const [url, port] = role === 'api' ? [apiUrl, config.port] : [databaseUrl, 0]
      return startThread(await roleOptions(config, url, role, { serve, port, note }))
    }),
  )
  const threads = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const failed = started.find((result) => result.status === 'rejected')
  if (failed !== undefined) {
    await drainAll(threads)
    throw failed.reason
  }
  return threads
}

export async function drainAll(threads: readonly RoleThread[]): Promise<void> {
  await Promise.allSettled(threads.map((thread) => thread.drain()))
}

export async function roleOptions(
  config: Config,
  databaseUrl: string,
  role: RoleName,
  options: {
    readonly serve: boolean
    readonly port: number
    readonly note?: ((line: string) => void) | undefined
  },
): Promise<RoleOptions> {
  const { serve, port, note = () => undefined } = options
  const needs = roleNeeds[role]
  return {
    role,
    // A role that keeps out of the log is not told where it is.
    ...(needs.log
      ? await logSourceOf(config, databaseUrl, note)
      : { databaseUrl, partitions: config.partitions, kafka: undefined }),
    masterKey: needs.masterKey ? masterKeyOf(config) : NO_KEY,
    access: needs.tokens ? accessOf(config) : {},
    host: config.host,
    port,
    serve,
    limit: { records: config.batchRecords, bytes: config.batchBytes },
    checkpointMs: config.checkpointMs,
    checkpointStates: config.checkpointStates,
    checkpointBytes: config.checkpointBytes,
    sharding: config.sharding,
    unreadAlarmMs: config.unreadAlarmSeconds * 1000,
    answersMs: config.answersDays * DAY_MS,
    budgetThresholds: config.budgetThresholds,
    logLevel: config.logLevel,
  }
}
