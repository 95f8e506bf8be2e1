import { textOf, type OpenedEvent } from '../../schemas/opened-event.ts'
import { existing, type RowProcessor } from './processor.ts'

type CategoryRow = {
  readonly user_id: string
  readonly category_id: string
  readonly name: string | null
  readonly status: string
  readonly created_at: number
  readonly updated_at: number
  readonly version: number
}

/** The categories of the user's own; built-in ones are constants and have no rows. */
export const categories: RowProcessor<OpenedEvent, CategoryRow> = {
  kind: 'rows',
  name: 'categories',
  table: 'categories',
  keyOf({ userId, body }) {
    switch (body.type) {
      case 'CategoryCreated':
      case 'CategoryRenamed':
      case 'CategoryDeleted':
        return { user_id: userId, category_id: body.categoryId }
      default:
        return undefined
    }
  },
  begins: ({ body }) => body.type === 'CategoryCreated',
  step(row, event) {
    const { body, recordedAt, version } = event
    switch (body.type) {
      case 'CategoryCreated':
        return {
          user_id: event.userId,
          category_id: body.categoryId,
          name: textOf(event.personal, 'name'),
          status: 'active',
          created_at: recordedAt,
          updated_at: recordedAt,
          version,
        }
      case 'CategoryRenamed':
        return {
          ...existing(row, event),
          name: textOf(event.personal, 'name'),
          updated_at: recordedAt,
          version,
        }
      case 'CategoryDeleted':
        return { ...existing(row, event), status: 'deleted', updated_at: recordedAt, version }
      default:
        return row
    }
  },
}
