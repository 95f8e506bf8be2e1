import { existsSync, readFileSync, statSync } from 'node:fs'
import { SaldoError } from '../schemas/errors.ts'
import { makeSecretFile } from './secret-file.ts'

/** The master key as 64 hexadecimal digits, from a setting. */
export function masterKeyFromHex(text: string): Buffer {
  if (!/^[0-9a-fA-F]{64}$/.test(text.trim())) {
    throw new SaldoError('SALDO_CONFIG_INVALID', 'a master key is 64 hexadecimal digits')
  }
  return Buffer.from(text.trim(), 'hex')
}

/** A key file made where there is none yet. Without its key nothing that was sealed opens. */
export function ownMasterKey(path: string): Buffer {
  makeSecretFile(path)
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
