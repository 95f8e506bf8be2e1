import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import { masterKeyFromFile, masterKeyFromHex, ownMasterKey } from '../privacy/master-key.ts'

/** From the environment, from a named file, or, in development, from a file of the data folder made at first use. */
export function masterKeyOf(config: Config): Buffer {
  if (config.masterKey !== undefined) return masterKeyFromHex(config.masterKey)
  if (config.masterKeyFile !== undefined) return masterKeyFromFile(config.masterKeyFile)
  mkdirSync(config.dataDir, { recursive: true })
  return ownMasterKey(join(config.dataDir, 'master-key'))
}

/** The secret of tokens; a development one is made at first use and lives in the data folder. */
export function jwtSecretOf(config: Config): string {
  if (config.jwtSecret !== undefined) return config.jwtSecret
  mkdirSync(config.dataDir, { recursive: true })
  const path = join(config.dataDir, 'development-jwt-secret')
  if (!existsSync(path)) {
    try {
      writeFileSync(path, randomBytes(32).toString('hex'), { mode: 0o600, flag: 'wx' })
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    }
  }
  return readFileSync(path, 'utf8').trim()
}
