/** Installs schemathesis before the tests, so that what the network does is told apart from what Saldo does. */
import { schemathesis } from './schemathesis.ts'

await schemathesis()
