import type { Config } from '../config/config.ts'
import { keyring, type Keyring } from '../privacy/keyring.ts'
import { openPool } from '../sink/postgres/pool.ts'
import type { Log } from '../topology/log/log.ts'
import { openDatabase } from './database.ts'
import { openEngine } from './engine.ts'
import { logSourceOf, openLog } from './open-log.ts'
import type { Output } from './output.ts'
import { masterKeyOf } from './secrets.ts'

export type VerbDeps = {
  readonly databaseUrl: string
  readonly log: Log
  readonly keys: Keyring
  readonly partitions: number
}

/** Opens what a verb needs, with an engine where it waits for answers, and closes it in the right order. */
export async function withLog<T>(
  config: Config,
  { engine }: { readonly engine: boolean },
  out: Output,
  work: (deps: VerbDeps) => Promise<T>,
): Promise<T> {
  const opened = engine ? await openEngine(config, out.note) : undefined
  const database = opened?.database ?? (await openDatabase(config, out.note))
  const { partitions } = config
  try {
    const log = await openLog(await logSourceOf(config, database.url, out.note), { role: 'verb' })
    const pool = openPool(database.url, { role: 'verb-keys', max: 2 })
    try {
      const keys = keyring(pool, masterKeyOf(config))
      return await work({ databaseUrl: database.url, log, keys, partitions })
    } finally {
      await pool.end()
      await log.close()
    }
  } finally {
    await (opened?.close() ?? database.release())
  }
}
