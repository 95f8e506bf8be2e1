import type { Config } from '../config/config.ts'
import { settings } from '../config/settings.ts'
import { ACTOR_GROUP } from '../topology/run-actors.ts'
import { apiUrlOf } from './api-database.ts'
import { openDatabase, type Database } from './database.ts'
import { demoPlan, demoUsers, publishDemo } from './demo.ts'
import { drainAll, startThreads } from './engine.ts'
import { logSourceOf, openLog } from './open-log.ts'
import type { Output } from './output.ts'
import { progress } from './progress-bar.ts'
import type { RoleName } from './roles.ts'
import type { RoleThread } from './threads.ts'
import { waitUntilProcessed } from './wait-until-processed.ts'

/** Runs every role until `stop` fires, each in a thread; the first start of a folder shows the demo. */
export async function up(
  config: Config,
  { demo }: { readonly demo: boolean },
  stop: AbortSignal,
  out: Output,
): Promise<void> {
  const database = await openDatabase(config, out.note)
  let threads: readonly RoleThread[] = []
  try {
    const roles: readonly RoleName[] = [
      'actors',
      'tables',
      'streams',
      ...(config.clock === 'on' ? (['clock'] as const) : []),
      'api',
    ]
    const apiUrl = await apiUrlOf(config, database)
    threads = await startThreads(config, database.url, roles, {
      serve: true,
      apiUrl,
      note: out.note,
    })
    const users = demo ? await runDemo(config, database, stop, out) : []
    announce(config, database, threads, users, out)
    const stopped = new Promise<void>((resolve) => {
      stop.addEventListener('abort', () => resolve())
      if (stop.aborted) resolve()
    })
    await Promise.race([stopped, ...threads.map((thread) => thread.ended)])
  } finally {
    out.note('draining: batches are finished, committed and checkpointed')
    await drainAll(threads)
    await database.release()
    out.note('stopped')
  }
}

async function runDemo(
  config: Config,
  database: Database,
  stop: AbortSignal,
  out: Output,
): Promise<readonly string[]> {
  const log = await openLog(await logSourceOf(config, database.url, out.note), { role: 'demo' })
  try {
    const today = new Date().toISOString().slice(0, 10)
    const plan = await demoPlan(log, config.dataDir, today)
    if (plan === undefined) return []
    if (!plan.published) {
      const bar = progress('demo: a year of some households', out.note)
      await publishDemo(log, config.dataDir, plan, bar.update)
      bar.stop()
    }
    await waitUntilProcessed(log, database.url, ACTOR_GROUP, stop)
    return demoUsers(plan)
  } finally {
    await log.close()
  }
}

function announce(
  config: Config,
  database: Database,
  threads: readonly RoleThread[],
  users: readonly string[],
  out: Output,
): void {
  const urlOf = (role: string): string => threads.find((thread) => thread.role === role)?.url ?? ''
  const api = urlOf('api')
  out.result('Saldo is up.')
  out.result(
    `  API       ${api}/v1/accounts   (health: ${api}/health/ready, metrics: ${api}/metrics)`,
  )
  out.result(`  contract  ${api}/docs`)
  out.result(`  actors    ${urlOf('actors')}/metrics`)
  out.result(`  tables    ${urlOf('tables')}/metrics`)
  out.result(`  streams   ${urlOf('streams')}/metrics`)
  if (config.clock === 'on') out.result(`  clock     ${urlOf('clock')}/metrics`)
  out.result(`  data      ${database.embedded ? config.dataDir : settings.databaseUrl.name}`)
  if (config.kafkaBrokers.length > 0) {
    out.result(`  log       Kafka at ${config.kafkaBrokers.join(', ')}`)
  }
  const user = users[0]
  if (user !== undefined) {
    out.result(`  demo      ${users.length} households; the first is ${user}`)
    out.result('Try:')
    out.result(`  TOKEN=$(npx saldo token --user ${user})`)
    out.result(`  curl -H "Authorization: Bearer $TOKEN" ${api}/v1/accounts`)
    out.result(
      `  curl -H "Authorization: Bearer $TOKEN" "${api}/v1/spending?month=${new Date().toISOString().slice(0, 7)}"`,
    )
  }
  out.result('Ctrl-C stops it; the next start goes on where this one ended.')
}
