import { readFileSync } from 'node:fs'
import type { Config } from '../config/config.ts'
import { makeSecretFile } from '../privacy/secret-file.ts'
import { apiLogin } from '../sink/postgres/api-login.ts'
import { inDataDir } from './data-dir.ts'
import { openDatabase, type Database } from './database.ts'

/**
 * Where the API reads. In the embedded database as a login that can do nothing but become `saldo_api`; in another one as
 * the login of `SALDO_API_DATABASE_URL`, which an administrator makes, or else that of `DATABASE_URL`.
 */
export async function apiUrlOf(config: Config, database: Database): Promise<string> {
  if (config.apiDatabaseUrl !== undefined) return config.apiDatabaseUrl
  if (!database.embedded) return database.url
  const path = inDataDir(config, 'api-database-password')
  makeSecretFile(path)
  return apiLogin(database.url, readFileSync(path, 'utf8').trim())
}

/** For an API that runs alone: it migrates nothing but the embedded database, because it may not. */
export async function apiDatabase(
  config: Config,
  onStatus: (line: string) => void,
): Promise<Database> {
  const url = config.apiDatabaseUrl ?? config.databaseUrl
  if (url !== undefined) return { url, embedded: false, release: () => Promise.resolve() }
  const database = await openDatabase(config, onStatus)
  try {
    return { ...database, url: await apiUrlOf(config, database) }
  } catch (error) {
    await database.release()
    throw error
  }
}
