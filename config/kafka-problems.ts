/** What is wrong with the settings that say where Kafka is and what things are called there. */
import type { Config, Needs } from './config.ts'
import { settings } from './settings.ts'

/** Names of topics have 249 characters at most, and ours need some of them. */
const PREFIX_CHARACTERS_MAX = 100

export function kafkaProblems(
  { kafkaBrokers, kafkaPrefix }: Config,
  { log: isNeeded }: Needs,
): readonly string[] {
  if (!isNeeded) return []
  const problems = kafkaBrokers
    .filter((broker) => !isAddress(broker))
    .map(
      (broker) =>
        `${settings.kafkaBrokers.name} must be addresses such as broker-1:9092, got "${broker}"`,
    )
  if (!/^[A-Za-z0-9._-]*$/.test(kafkaPrefix) || kafkaPrefix.length > PREFIX_CHARACTERS_MAX) {
    problems.push(
      `${settings.kafkaPrefix.name} must be at most ${PREFIX_CHARACTERS_MAX} letters, digits and . _ -, got "${kafkaPrefix}"`,
    )
  }
  return problems
}

function isAddress(text: string): boolean {
  const [, port] = /^[^\s:/@]+:(\d{1,5})$/.exec(text) ?? []
  return port !== undefined && Number(port) >= 1 && Number(port) <= 65_535
}
