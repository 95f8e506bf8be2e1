import { randomBytes } from 'node:crypto'
import { existsSync, linkSync, rmSync, writeFileSync } from 'node:fs'

/**
 * Makes a file of 64 random hexadecimal digits, behind a prefix if one is given, that only its owner can read, where
 * there is none yet. It appears under
 * its name whole or not at all, and never in place of another: of processes that start at once, one makes the secret
 * and the others read it.
 */
export function makeSecretFile(path: string, prefix = ''): void {
  if (existsSync(path)) return
  const whole = `${path}.${randomBytes(6).toString('hex')}`
  writeFileSync(whole, `${prefix}${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flag: 'wx' })
  try {
    linkSync(whole, path)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    rmSync(whole)
  }
}
