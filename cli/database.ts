import type { Config } from '../config/config.ts'
import { migrate } from '../sink/migrations/migrate.ts'
import { connect } from '../sink/postgres/connection.ts'
import { embeddedPostgres } from '../sink/postgres/embedded-postgres.ts'
import { inDataDir } from './data-dir.ts'

/** A migrated database: the one of DATABASE_URL, or the embedded one of the data folder. */
export type Database = {
  readonly url: string
  readonly embedded: boolean
  /** The last one out stops an embedded server. Close every connection first. */
  release(): Promise<void>
}

export async function openDatabase(
  config: Config,
  onStatus: (line: string) => void = () => undefined,
): Promise<Database> {
  const database = await findDatabase(config, onStatus)
  try {
    const { client } = await connect(database.url, 'migrate')
    try {
      await migrate(client, { onStatus })
    } finally {
      await client.end()
    }
    return database
  } catch (error) {
    await database.release()
    throw error
  }
}

export async function findDatabase(
  config: Config,
  onStatus: (line: string) => void = () => undefined,
): Promise<Database> {
  if (config.databaseUrl !== undefined) {
    return { url: config.databaseUrl, embedded: false, release: () => Promise.resolve() }
  }
  const server = await embeddedPostgres({ dataDir: inDataDir(config), onStatus })
  return { url: server.url, embedded: true, release: () => server.release() }
}
