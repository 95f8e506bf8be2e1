/** `npm run fuzz:api`: the query API on a database of its own, against its contract, for as many requests as you like. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openDatabase } from '../../../cli/database.ts'
import { readConfig } from '../../../config/config.ts'
import { schemathesis } from '../../support/schemathesis.ts'
import { fuzzApi } from './fuzz.ts'

const { values } = parseArgs({
  options: {
    /** Requests made up for each route. */
    examples: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
  },
})
process.stderr.write(`seed ${values.seed}\n`)
const tool = await schemathesis()
const folder = await mkdtemp(join(tmpdir(), 'saldo-fuzz-'))
const database = await openDatabase(readConfig({ SALDO_DATA_DIR: folder }))
try {
  const { code, output } = await fuzzApi({
    databaseUrl: database.url,
    tool,
    examples: Number(values.examples),
    seed: Number(values.seed),
  })
  process.stdout.write(output)
  process.exitCode = code
} finally {
  await database.release()
  await rm(folder, { recursive: true, force: true })
}
