/** Writes docs/openapi.json, the contract as it is checked in: `npm run generate:openapi`. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openApiOf } from './openapi.ts'
import { queryServer } from './server.ts'

const app = await queryServer({
  // Nothing is connected to: the routes are only described.
  databaseUrl: 'postgresql://nowhere',
  jwtSecret: 'nobody gets a token from this one',
})
await app.ready()
const file = join(import.meta.dirname, '..', '..', 'docs', 'openapi.json')
writeFileSync(file, `${JSON.stringify(openApiOf(app), null, 2)}\n`)
await app.close()
