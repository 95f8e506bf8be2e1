import type { Config } from '../config/config.ts'
import { SaldoError } from '../schemas/errors.ts'
import { migrate } from '../sink/migrations/migrate.ts'
import { connect } from '../sink/postgres/connection.ts'
import { findDatabase } from './database.ts'
import type { Output } from './output.ts'

export async function runMigrate(
  config: Config,
  { to, json }: { readonly to?: string; readonly json: boolean },
  out: Output,
): Promise<void> {
  if (to !== undefined && !/^\d{1,6}$/.test(to)) {
    throw new SaldoError('SALDO_USAGE', `--to must be a version, a whole number, got "${to}"`)
  }
  const database = await findDatabase(config, out.note)
  try {
    const { client } = await connect(database.url, 'migrate')
    try {
      const done = await migrate(client, to === undefined ? {} : { to: Number(to) })
      if (json) out.result(JSON.stringify(done))
      else if (done.applied.length === 0)
        out.result(`nothing to do: the database is at version ${done.to}`)
      else out.result(`from version ${done.from} to ${done.to}: ${done.applied.join(', ')}`)
    } finally {
      await client.end()
    }
  } finally {
    await database.release()
  }
}
