import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { ApiAccess } from '../api/query/server.ts'
import type { KeySource } from '../api/token-keys.ts'
import { DEVELOPMENT_SECRET_PREFIX } from '../config/access-problems.ts'
import type { Config } from '../config/config.ts'
import { settings } from '../config/settings.ts'
import { masterKeyFromFile, masterKeyFromHex, ownMasterKey } from '../privacy/master-key.ts'
import { makeSecretFile } from '../privacy/secret-file.ts'
import { SaldoError } from '../schemas/errors.ts'
import { inDataDir } from './data-dir.ts'

/** From the environment, from a named file, or, in development, from a file of the data folder made at first use. */
export function masterKeyOf(config: Config): Buffer {
  if (config.masterKey !== undefined) return masterKeyFromHex(config.masterKey)
  if (config.masterKeyFile !== undefined) return masterKeyFromFile(config.masterKeyFile)
  return ownMasterKey(inDataDir(config, 'master-key'))
}

/** Who may ask the API, and how often. */
export function accessOf(config: Config): ApiAccess {
  const { jwtAudience, jwtIssuer, rateLimit, addressRateLimit, trustedProxies } = config
  return {
    keys: keySourceOf(config),
    audience: jwtAudience,
    ...(jwtIssuer === undefined ? {} : { issuer: jwtIssuer }),
    limits: { perSubject: rateLimit, perAddress: addressRateLimit },
    streams: { perUser: config.streamsPerUser, total: config.streamsMax },
    corsOrigins: config.corsOrigins,
    ...(trustedProxies.length === 0 ? {} : { trustedProxies }),
  }
}

function keySourceOf(config: Config): KeySource {
  if (config.jwksUrl !== undefined) return { jwksUrl: config.jwksUrl }
  if (config.jwksFile !== undefined) return { jwksFile: resolve(config.jwksFile) }
  return { secret: jwtSecretOf(config) }
}

/** The secret of tokens; a development one is made at first use and lives in the data folder. */
export function jwtSecretOf(config: Config): string {
  if (config.jwksUrl !== undefined || config.jwksFile !== undefined) {
    const { jwksUrl, jwksFile } = settings
    const message = `tokens come from whoever holds the keys of ${jwksUrl.name} or ${jwksFile.name}`
    throw new SaldoError('SALDO_USAGE', message)
  }
  const path = inDataDir(config, 'development-jwt-secret')
  if (config.jwtSecret === undefined) {
    makeSecretFile(path, DEVELOPMENT_SECRET_PREFIX)
    return readFileSync(path, 'utf8').trim()
  }
  if (config.environment === 'production' && existsSync(path)) refuseDevelopment(config, path)
  return config.jwtSecret
}

/** Files of earlier releases do not say by a prefix what they are. */
function refuseDevelopment({ jwtSecret }: Config, path: string): void {
  if (readFileSync(path, 'utf8').trim() !== jwtSecret) return
  const message = `${settings.jwtSecret.name} is the development secret of the data folder: production needs one of its own`
  throw new SaldoError('SALDO_CONFIG_INVALID', message)
}
