/**
 * Which users have a row of one table that binds others, so that it is asked once for each and not for every batch.
 *
 * Invariant: who has such a row is never said to have none, as long as the owner of the table is its owner: `applied`
 * is called after the commit. Who had one and has none any more may still be said to have one.
 */
import type { TableWrite } from '../sink/table-store.ts'
import { tables, type Table, type TableName } from '../sink/tables.ts'
import type { ReadBinding } from './fold-batch.ts'

const USERS_MAX = 100_000

export class BindingUsers {
  readonly #bound = new Map<string, boolean>()
  readonly #usersMax: number

  constructor(usersMax = USERS_MAX) {
    this.#usersMax = usersMax
  }

  /** Those of the users who have one. */
  async read(
    table: TableName,
    users: ReadonlySet<string>,
    read: ReadBinding,
  ): Promise<ReadonlySet<string>> {
    const unknown = new Set<string>()
    for (const user of users) if (!this.#bound.has(user)) unknown.add(user)
    const found = unknown.size === 0 ? unknown : await read(table, unknown)
    for (const user of unknown) this.#bound.set(user, found.has(user))
    const bound = new Set<string>()
    for (const user of users) if (this.#bound.get(user) === true) bound.add(user)
    return bound
  }

  /** A row that binds stands now; and no more is kept than may be. */
  applied({ table: name, rows, fresh = [] }: TableWrite): void {
    const { binding }: Table = tables[name]
    if (binding === undefined) return
    for (const row of [...rows, ...fresh]) {
      if (row[binding] !== null) this.#bound.set(String(row['user_id']), true)
    }
    for (const user of this.#bound.keys()) {
      if (this.#bound.size <= this.#usersMax) break
      this.#bound.delete(user)
    }
  }
}
