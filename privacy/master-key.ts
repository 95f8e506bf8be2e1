import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { SaldoError } from '../schemas/errors.ts'

const KEY_BYTES = 32

/** The master key as 64 hexadecimal digits, from a setting. */
export function masterKeyFromHex(text: string): Buffer {
  if (!/^[0-9a-fA-F]{64}$/.test(text.trim())) {
    throw new SaldoError('SALDO_CONFIG_INVALID', 'a master key is 64 hexadecimal digits')
  }
  return Buffer.from(text.trim(), 'hex')
}

/** The master key in a file that only its owner can read; made on first use. Without it nothing that was sealed opens. */
export function masterKeyFromFile(path: string): Buffer {
  if (!existsSync(path)) {
    try {
      // Exclusive: of two processes that start at once, one makes the key and the other reads it.
      writeFileSync(path, `${randomBytes(KEY_BYTES).toString('hex')}\n`, {
        mode: 0o600,
        flag: 'wx',
      })
      chmodSync(path, 0o600)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    }
  }
  if (process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0) {
    throw new SaldoError(
      'SALDO_CONFIG_INVALID',
      `${path} can be read by others: run chmod 600 on it`,
    )
  }
  return masterKeyFromHex(readFileSync(path, 'utf8'))
}
