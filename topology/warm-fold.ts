/** The fold of one processor for the owner of its table, who need not read again what he knows. */
import type { TableStore, TableWrite } from '../sink/table-store.ts'
import { BindingUsers } from './binding-users.ts'
import { foldBatch, type Folded } from './fold-batch.ts'
import type { Processor, Sourced } from './processors/processor.ts'
import { RowCache } from './row-cache.ts'

export class WarmFold<Item> {
  readonly #processor: Processor<Item>
  readonly #store: Pick<TableStore, 'read' | 'readBinding'>
  readonly #rows: RowCache
  readonly #users = new BindingUsers()

  constructor(processor: Processor<Item>, store: Pick<TableStore, 'read' | 'readBinding'>) {
    this.#processor = processor
    this.#store = store
    // A row that another one stands beside is read with every item: known rows, and known holes, save it.
    this.#rows = new RowCache(undefined, processor.kind === 'related' ? 'all' : 'written')
  }

  fold(sources: readonly Sourced<Item>[]): Promise<Folded> {
    const store = this.#store
    return foldBatch(
      this.#processor,
      sources,
      (table, keys) => this.#rows.read(table, keys, store.read),
      (table, users) => this.#users.read(table, users, store.readBinding),
    )
  }

  /** After the commit. */
  applied(write: TableWrite): void {
    const { kind } = this.#processor
    if (kind !== 'rows' && kind !== 'related') return
    this.#rows.applied(write)
    this.#users.applied(write)
  }
}
