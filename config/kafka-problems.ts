/** What is wrong with the settings that say where Kafka is and what things are called there. */
import type { Config, Needs } from './config.ts'
import { settings } from './settings.ts'

/** Names of topics have 249 characters at most, and ours need some of them. */
const PREFIX_CHARACTERS_MAX = 100

export function kafkaProblems(
  { kafkaBrokers, kafkaPrefix, kafkaReplicas, kafkaInSyncMin }: Config,
  { log: isNeeded }: Needs,
): readonly string[] {
  if (!isNeeded) return []
  const problems = kafkaBrokers
    .filter((broker) => !isAddress(broker))
    .map((broker) => `${settings.kafkaBrokers.name} must be ${addressProblem(broker)}`)
  if (!/^[A-Za-z0-9._-]*$/.test(kafkaPrefix) || kafkaPrefix.length > PREFIX_CHARACTERS_MAX) {
    problems.push(
      `${settings.kafkaPrefix.name} must be at most ${PREFIX_CHARACTERS_MAX} letters, digits and . _ -, got "${kafkaPrefix}"`,
    )
  }
  if ((kafkaInSyncMin ?? 1) > (kafkaReplicas ?? Number.POSITIVE_INFINITY)) {
    problems.push(
      `${settings.kafkaInSyncMin.name} is more than ${settings.kafkaReplicas.name}: nothing would ever be acknowledged`,
    )
  }
  return problems
}

/** An address with a user in it is not repeated: there may be a password too. */
function addressProblem(broker: string): string {
  const addresses = 'addresses such as broker-1:9092'
  if (broker.includes('@')) {
    return `${addresses}, without a user: ${settings.kafkaUser.name} and ${settings.kafkaPassword.name} are for that`
  }
  if (broker.includes('://')) return `${addresses}, without "${broker.split('://', 1)[0]}://"`
  if (/^[^\s:/]+$/.test(broker)) return `${addresses}: "${broker}" has no port`
  return `${addresses}, got "${broker}"`
}

function isAddress(text: string): boolean {
  const [, port] = /^[^\s:/@]+:(\d{1,5})$/.exec(text) ?? []
  return port !== undefined && Number(port) >= 1 && Number(port) <= 65_535
}
