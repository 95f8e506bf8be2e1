import { once } from 'node:events'
import { embeddedPostgres } from '../../sink/postgres/embedded-postgres.ts'

/** A process that uses the server of a folder until its input ends: `node embedded-holder.ts FOLDER`. */
const server = await embeddedPostgres({ dataDir: process.argv[2] ?? '' })
process.stdout.write(`${JSON.stringify({ url: server.url, started: server.started })}\n`)
process.stdin.resume()
await once(process.stdin, 'end')
await server.release()
