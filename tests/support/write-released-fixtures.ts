/**
 * Writes the bytes of every released schema version that has none yet: `node tests/support/write-released-fixtures.ts`.
 * Run it once, in the release that adds a version, and `npm run format` after it. Bytes that exist are history: it never overwrites them.
 */
import { existsSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { examplesOf, releasedCodecs, releasedVersions, toJson } from './released-codecs.ts'

const folder = path.join(import.meta.dirname, '../fixtures/released')

for (const { file, id, name, schema } of releasedVersions) {
  const target = path.join(folder, file)
  const codec = releasedCodecs[name]
  if (existsSync(target)) continue
  if (codec === undefined || codec.schemaId !== id)
    throw new Error(`${file} is not what is written now: its bytes can only come from its release`)
  const records = examplesOf(schema).map((value) => ({
    hex: codec.encode(value).toString('hex'),
    value: toJson(value),
  }))
  writeFileSync(target, `${JSON.stringify({ id, records }, null, 2)}\n`, { flag: 'wx' })
  process.stdout.write(`wrote ${file}\n`)
}
