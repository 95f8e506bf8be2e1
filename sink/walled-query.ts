/**
 * A query of one user in one round trip: the user is set, and the statement runs, in the transaction that PostgreSQL
 * makes of everything before a Sync of its protocol.
 *
 * Invariant: the setting ends with that transaction, so no later query of the connection can run as this user. A
 * connection on which one failed is not used again: it may not know what is thought to be prepared.
 */
import pg from 'pg'

const SET_USER = "SELECT set_config('saldo.user_id', $1, true)"
const SET_USER_NAME = 'saldo-user'

export type WalledQueryConfig<Row extends pg.QueryResultRow> = {
  readonly userId: string
  readonly text: string
  /** Prepared under this name, once per connection. */
  readonly name?: string | undefined
  readonly values: readonly unknown[]
  /** Milliseconds. */
  readonly query_timeout: number
  readonly callback: (error: Error | null, result?: pg.QueryResult<Row>) => void
}

/** What pg's own query does and its types do not say; pg-cursor and pg-query-stream build on the same. */
type PgQuery = {
  submit(connection: PgConnection): Error | null
  handleDataRow(message: unknown): void
  handleCommandComplete(message: unknown, connection: PgConnection): void
}

type PgConnection = {
  readonly stream: { cork(): void; uncork(): void }
  parse(query: { readonly name: string; readonly text: string; readonly types: number[] }): void
  bind(config: { readonly statement: string; readonly values: readonly unknown[] }): void
  execute(config: { readonly portal: string }): void
}

/** Connections that know how to set the user without being told again. */
const prepared = new WeakSet<PgConnection>()

const PgQuery = pg.Query as unknown as new (config: object) => PgQuery

export class WalledQuery<Row extends pg.QueryResultRow> extends PgQuery implements pg.Submittable {
  /** The client starts its timer by it. */
  readonly query_timeout: number
  readonly #userId: string
  #isUserSet = false

  constructor({ userId, text, name, values, query_timeout, callback }: WalledQueryConfig<Row>) {
    // Only the extended protocol keeps one transaction up to the Sync.
    super({ text, name, values: [...values], queryMode: 'extended', callback })
    this.query_timeout = query_timeout
    this.#userId = userId
  }

  override submit(submitted: unknown): Error | null {
    const connection = submitted as PgConnection
    connection.stream.cork()
    try {
      if (!prepared.has(connection)) {
        connection.parse({ name: SET_USER_NAME, text: SET_USER, types: [] })
        prepared.add(connection)
      }
      connection.bind({ statement: SET_USER_NAME, values: [this.#userId] })
      connection.execute({ portal: '' })
      return super.submit(connection)
    } finally {
      connection.stream.uncork()
    }
  }

  override handleDataRow(message: unknown): void {
    if (this.#isUserSet) super.handleDataRow(message)
  }

  override handleCommandComplete(message: unknown, connection: PgConnection): void {
    if (this.#isUserSet) super.handleCommandComplete(message, connection)
    this.#isUserSet = true
  }
}
