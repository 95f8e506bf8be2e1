import { readFileSync } from 'node:fs'
import type { Config } from '../config/config.ts'
import { masterKeyFromFile, masterKeyFromHex, ownMasterKey } from '../privacy/master-key.ts'
import { makeSecretFile } from '../privacy/secret-file.ts'
import { inDataDir } from './data-dir.ts'

/** From the environment, from a named file, or, in development, from a file of the data folder made at first use. */
export function masterKeyOf(config: Config): Buffer {
  if (config.masterKey !== undefined) return masterKeyFromHex(config.masterKey)
  if (config.masterKeyFile !== undefined) return masterKeyFromFile(config.masterKeyFile)
  return ownMasterKey(inDataDir(config, 'master-key'))
}

/** The secret of tokens; a development one is made at first use and lives in the data folder. */
export function jwtSecretOf(config: Config): string {
  if (config.jwtSecret !== undefined) return config.jwtSecret
  const path = inDataDir(config, 'development-jwt-secret')
  makeSecretFile(path)
  return readFileSync(path, 'utf8').trim()
}
