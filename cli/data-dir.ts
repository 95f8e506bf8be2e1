import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import { settings } from '../config/settings.ts'
import { SaldoError } from '../schemas/errors.ts'

/** A path in the data folder, which is made where there is none. */
export function inDataDir({ dataDir }: Config, ...names: readonly string[]): string {
  try {
    mkdirSync(dataDir, { recursive: true })
  } catch (cause) {
    throw new SaldoError(
      'SALDO_CONFIG_INVALID',
      `the data folder ${dataDir} cannot be made: set ${settings.dataDir.name} to a folder that you may write`,
      { retryable: false, cause },
    )
  }
  return join(dataDir, ...names)
}
