/** Asks the schema registry, once for a process: what it says crosses to role threads as plain data. */
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type { Config } from '../config/config.ts'
import { settings, type SettingKey } from '../config/settings.ts'
import { SaldoError } from '../schemas/errors.ts'
import { registeredIds, type RegistryOptions } from '../schemas/registered-ids.ts'
import type { RegistryConnection } from '../schemas/registry-http.ts'
import type { SchemaIds } from '../schemas/schema-ids.ts'
import { openPool } from '../sink/postgres/pool.ts'
import { knownRegistryIds, noteRegistryIds } from '../sink/registry-ids.ts'

/** Before each further try: some eight seconds, and whoever supervises the process starts it again after that. */
const PAUSES_MS = [250, 500, 1000, 2000, 4000]

/** The registry of a configuration, with its secrets; undefined where there is none. */
export function registryOf(config: Config): RegistryConnection | undefined {
  const { schemaRegistryUrl: url, schemaRegistryUser: username } = config
  if (url === undefined) return undefined
  const password =
    config.schemaRegistryPassword ?? textOf(config, 'schemaRegistryPasswordFile')?.trim()
  const ca = textOf(config, 'schemaRegistryCaFile')
  return {
    url,
    ...(username === undefined || password === undefined ? {} : { login: { username, password } }),
    ...(ca === undefined ? {} : { ca }),
  }
}

function textOf(
  config: Config,
  key: SettingKey & ('schemaRegistryPasswordFile' | 'schemaRegistryCaFile'),
): string | undefined {
  const path = config[key]
  if (path === undefined) return undefined
  let text = ''
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    const message = `${settings[key].name} names a file that cannot be read: "${path}"`
    throw new SaldoError('SALDO_CONFIG_INVALID', message, { retryable: false, cause })
  }
  if (text.trim() !== '') return text
  throw new SaldoError('SALDO_CONFIG_INVALID', `${settings[key].name} names an empty file`)
}

const asked = new WeakMap<Config, Promise<SchemaIds>>()

/**
 * The ids that records on Kafka carry; undefined without a registry, where those of the files serve. The database notes
 * them before a record carries one, and a registry that says something else later is refused.
 */
export async function schemaIdsOf(
  config: Config,
  databaseUrl: string,
  note: (line: string) => void,
): Promise<SchemaIds | undefined> {
  const registry = registryOf(config)
  if (registry === undefined) return undefined
  let ids = asked.get(config)
  if (ids === undefined) {
    ids = askAndNote(registry, config.kafkaPrefix, databaseUrl, note)
    asked.set(config, ids)
    ids.catch(() => asked.delete(config))
  }
  return await ids
}

async function askAndNote(
  registry: RegistryConnection,
  prefix: string,
  databaseUrl: string,
  note: (line: string) => void,
): Promise<SchemaIds> {
  const pool = openPool(databaseUrl, { role: 'registry-ids', max: 1 })
  try {
    const known = await knownRegistryIds(pool)
    const ids = await askPatiently(registry, { prefix, known }, note)
    const isKnown = new Set(known.map(([registryId]) => registryId))
    const fresh = ids.inward.filter(([registryId]) => !isKnown.has(registryId))
    if (fresh.length > 0) await noteRegistryIds(pool, fresh)
    return ids
  } finally {
    await pool.end()
  }
}

async function askPatiently(
  registry: RegistryConnection,
  options: RegistryOptions,
  note: (line: string) => void,
): Promise<SchemaIds> {
  for (const pauseMs of PAUSES_MS) {
    try {
      return await registeredIds(registry, options)
    } catch (error) {
      if (!(error instanceof SaldoError) || !error.retryable) throw error
      note(`${error.message}: trying again`)
      await pause(pauseMs)
    }
  }
  return await registeredIds(registry, options)
}
