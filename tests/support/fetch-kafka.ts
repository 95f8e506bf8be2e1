/** Fetches the broker before the tests, so that what the network does is told apart from what Saldo does. */
import { prepareBoot } from './kafka-java.ts'

await prepareBoot()
