import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { AvroSchema } from './avsc-files.ts'

/** A writer schema as it was released: frozen, self-contained, with the id that its bytes carry. */
export type ReleasedSchema = {
  readonly id: number
  readonly name: string
  readonly schema: AvroSchema
}

const folder = join(import.meta.dirname, 'released')
const files = readdirSync(folder).sort()

/** All released versions of one schema, oldest first. */
export function releasedSchemas(name: string): readonly ReleasedSchema[] {
  return files
    .filter((file) => file.startsWith(`${name}.`))
    .map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as ReleasedSchema)
}
