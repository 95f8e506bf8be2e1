import { SaldoError } from '../../schemas/errors.ts'
import { newestVersion } from '../../sink/migrations/migration-files.ts'
import type { Queries } from '../../sink/queries.ts'
import type { Readiness } from '../health.ts'

/** Ready once the database answers to the API's role and has the tables that this release knows. */
export async function databaseReadiness(queries: Queries): Promise<Readiness> {
  try {
    const [has, needs] = await Promise.all([queries.migrations(), newestVersion()])
    if (has >= needs) return { name: 'database', ready: true }
    return notReady(`the database is at version ${has} and needs ${needs}: run saldo migrate`)
  } catch (error) {
    return notReady(reasonOf(error))
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof SaldoError)) return 'the tables cannot be read: is the database migrated?'
  // A sentence of ours: it names no address and no secret.
  if (error.code === 'SALDO_DATABASE_SETUP')
    return 'the database does not take this login as saldo_api'
  return 'the database cannot be reached'
}

function notReady(reason: string): Readiness {
  return { name: 'database', ready: false, reason }
}
