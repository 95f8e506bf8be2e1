/** Installs Python's client before the tests, so that what the network does is told apart from what Saldo does. */
import { pythonClient } from './python-client.ts'

await pythonClient()
