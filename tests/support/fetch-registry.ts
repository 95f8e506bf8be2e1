/** Fetches the schema registry before the tests, so that what the network does is told apart from what Saldo does. */
import { registryProgram } from './registry-app.ts'

await registryProgram()
