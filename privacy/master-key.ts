import { randomBytes } from 'node:crypto'
import { existsSync, linkSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { SaldoError } from '../schemas/errors.ts'

const KEY_BYTES = 32

/** The master key as 64 hexadecimal digits, from a setting. */
export function masterKeyFromHex(text: string): Buffer {
  if (!/^[0-9a-fA-F]{64}$/.test(text.trim())) {
    throw new SaldoError('SALDO_CONFIG_INVALID', 'a master key is 64 hexadecimal digits')
  }
  return Buffer.from(text.trim(), 'hex')
}

/** A key file made where there is none yet. Without its key nothing that was sealed opens. */
export function ownMasterKey(path: string): Buffer {
  if (!existsSync(path)) createKeyFile(path)
  return masterKeyFromFile(path)
}

/** The master key in a file that only its owner can read. */
export function masterKeyFromFile(path: string): Buffer {
  if (!existsSync(path)) {
    throw new SaldoError('SALDO_CONFIG_INVALID', `there is no master key file ${path}`)
  }
  if (process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0) {
    throw new SaldoError(
      'SALDO_CONFIG_INVALID',
      `${path} can be read by others: run chmod 600 on it`,
    )
  }
  try {
    return masterKeyFromHex(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw new SaldoError(
      'SALDO_CONFIG_INVALID',
      `${path} does not hold a master key of 64 hexadecimal digits`,
      {
        retryable: false,
        cause,
      },
    )
  }
}

/**
 * The file appears under its name whole or not at all, and never in place of another: of processes that start at
 * once, one makes the key and the others read it.
 */
function createKeyFile(path: string): void {
  const whole = `${path}.${randomBytes(6).toString('hex')}`
  writeFileSync(whole, `${randomBytes(KEY_BYTES).toString('hex')}\n`, { mode: 0o600, flag: 'wx' })
  try {
    linkSync(whole, path)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    rmSync(whole)
  }
}
