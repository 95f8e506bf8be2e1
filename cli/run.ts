import type { Config } from '../config/config.ts'
import { apiDatabase } from './api-database.ts'
import { openDatabase } from './database.ts'
import { roleOptions } from './engine.ts'
import type { Output } from './output.ts'
import { startRole, type RoleName } from './roles.ts'

/** Runs one role in this process until `stop` fires, and drains it. Rejects when it cannot go on. */
export async function run(
  config: Config,
  role: RoleName,
  stop: AbortSignal,
  out: Output,
): Promise<void> {
  const database =
    role === 'api' ? await apiDatabase(config, out.note) : await openDatabase(config, out.note)
  try {
    const options = { serve: true, port: config.port, note: out.note }
    const running = await startRole(await roleOptions(config, database.url, role, options))
    try {
      out.result(`${role} is up: ${running.url ?? ''}/health/ready, ${running.url ?? ''}/metrics`)
      const stopped = new Promise<void>((resolve) => {
        stop.addEventListener('abort', () => resolve())
        if (stop.aborted) resolve()
      })
      await Promise.race([stopped, running.ended])
    } finally {
      out.note('draining')
      await running.drain()
    }
  } finally {
    await database.release()
    out.note('stopped')
  }
}
