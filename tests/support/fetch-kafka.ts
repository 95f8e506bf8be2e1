/** Fetches the broker before the tests, so that what the network does is told apart from what Saldo does. */
import { kafkaJars } from './kafka-jars.ts'

await kafkaJars()
