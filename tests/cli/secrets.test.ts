import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { accessOf, jwtSecretOf } from '../../cli/secrets.ts'
import { readConfig, type Environment } from '../../config/config.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'saldo-secrets-'))
})
afterEach(() => rm(folder, { recursive: true }))

const development = (): string => jwtSecretOf(readConfig({ SALDO_DATA_DIR: folder }))
const production = (more: Environment): ReturnType<typeof readConfig> =>
  readConfig({
    SALDO_ENV: 'production',
    SALDO_MASTER_KEY: 'a'.repeat(64),
    SALDO_DATA_DIR: folder,
    ...more,
  })

describe('the development secret of tokens', () => {
  test('is made once, and says what it is', () => {
    const secret = development()
    expect(secret).toMatch(/^development-[0-9a-f]{64}$/)
    expect(development()).toBe(secret)
  })

  test('refuses to start in production', () => {
    expect(() => production({ SALDO_JWT_SECRET: development() })).toThrow(/made for development/)
  })

  test('of an earlier release refuses to start in production of its data folder', async () => {
    const old = 'b'.repeat(64)
    await writeFile(join(folder, 'development-jwt-secret'), `${old}\n`)
    expect(development()).toBe(old)
    expect(() => accessOf(production({ SALDO_JWT_SECRET: old }))).toThrow(/development secret/)
    const other = production({ SALDO_JWT_SECRET: 'c'.repeat(64) })
    expect(accessOf(other).keys).toEqual({ secret: 'c'.repeat(64) })
  })

  test('is not made where tokens come from an issuer, and no token is signed there', async () => {
    const config = production({ SALDO_JWKS_URL: 'https://issuer.example/keys' })
    expect(accessOf(config).keys).toEqual({ jwksUrl: 'https://issuer.example/keys' })
    expect(() => jwtSecretOf(config)).toThrow(/tokens come from/)
    await expect(readFile(join(folder, 'development-jwt-secret'))).rejects.toThrow(/ENOENT/)
  })
})
