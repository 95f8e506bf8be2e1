/** What is wrong with the settings that say where the schema registry is and who asks it. */
import type { Config, Needs } from './config.ts'
import { settings, type SettingKey } from './settings.ts'

export function registryProblems(config: Config, { log: isNeeded }: Needs): readonly string[] {
  const { schemaRegistryUrl: url, schemaRegistryUser: user } = config
  if (!isNeeded || url === undefined) return []
  const nameOf = (key: SettingKey): string => settings[key].name
  const problems: string[] = []
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed === undefined || !['http:', 'https:'].includes(parsed.protocol)) {
    problems.push(
      `${nameOf('schemaRegistryUrl')} must be an address that starts with http:// or https://`,
    )
  } else if (parsed.username !== '' || parsed.password !== '') {
    // An address is shown and logged; a password never is.
    problems.push(
      `${nameOf('schemaRegistryUrl')} must not hold a password: use ${nameOf('schemaRegistryUser')} and ${nameOf('schemaRegistryPassword')}`,
    )
  }
  const passwords = (['schemaRegistryPassword', 'schemaRegistryPasswordFile'] as const).filter(
    (key) => config[key] !== undefined,
  )
  if (passwords.length > 1) {
    problems.push(`${passwords.map(nameOf).join(' and ')} are both set: give one`)
  } else if ((user === undefined) !== (passwords.length === 0)) {
    problems.push(
      `${nameOf('schemaRegistryUser')} and ${nameOf('schemaRegistryPassword')} belong together: give both or none`,
    )
  }
  const isOpen = config.environment === 'production' && parsed?.protocol === 'http:'
  if (isOpen && user !== undefined) {
    problems.push(
      `${nameOf('schemaRegistryUrl')} must start with https:// in production where a password goes along`,
    )
  }
  return problems
}
