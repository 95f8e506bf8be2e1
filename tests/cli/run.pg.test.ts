import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { developmentToken } from '../../api/token.ts'
import { openSeed, type Seed } from '../api/query/seed.ts'
import { withDatabase } from '../support/postgres.ts'
import { withDataFolder } from '../support/saldo-process.ts'

const SECRET = randomBytes(32).toString('hex')
const LIMIT_MS = 90_000

describe('saldo run', () => {
  const folder = withDataFolder()
  const database = withDatabase('postgres')
  const login = `saldo_test_login_${randomBytes(6).toString('hex')}`
  let seed: Seed
  let apiUrl: string

  beforeAll(async () => {
    seed = await openSeed(database.url)
    await seed.account({ userId: 'ana', accountId: 'a-1' })
    await seed.run(
      `CREATE ROLE ${login} LOGIN NOINHERIT PASSWORD '${SECRET}'; GRANT saldo_api TO ${login}`,
    )
    const url = new URL(database.url)
    url.username = login
    url.password = SECRET
    apiUrl = url.href
  })
  afterAll(async () => {
    await seed.run(`DROP ROLE ${login}`)
    await seed.close()
  })

  test(
    'api answers with a login that can do nothing but become saldo_api, and without a master key',
    async () => {
      const settings = {
        SALDO_ENV: 'production',
        SALDO_JWT_SECRET: SECRET,
        SALDO_API_DATABASE_URL: apiUrl,
      }
      const api = folder.start(['run', 'api'], { settings })
      const [, url = ''] = /(http:\S+)\/health/.exec(await api.line(/^api is up/)) ?? []
      expect((await fetch(`${url}/health/ready`)).status).toBe(200)
      const token = await developmentToken({ userId: 'ana', secret: SECRET, expiresIn: 60 })
      const answer = await fetch(`${url}/v1/accounts`, {
        headers: { authorization: `Bearer ${token}` },
      })
      expect(await answer.json()).toMatchObject({ accounts: [{ accountId: 'a-1' }] })
      const { code, stderr } = await api.kill('SIGTERM')
      expect(stderr).toMatch(/draining\nstopped$/)
      expect(code).toBe(0)
      const audited = await seed.run('SELECT user_id, resource FROM audit_log')
      expect(audited.rows).toEqual([{ user_id: 'ana', resource: '/v1/accounts' }])
      // No key, no secret, no server of its own.
      expect(await readdir(folder.path)).toEqual([])
    },
    LIMIT_MS,
  )

  test(
    'api is not ready for a login that cannot become saldo_api, and says so',
    async () => {
      await seed.run(`REVOKE saldo_api FROM ${login}`)
      const settings = { SALDO_JWT_SECRET: SECRET, SALDO_API_DATABASE_URL: apiUrl }
      const api = folder.start(['run', 'api'], { settings })
      const [, url = ''] = /(http:\S+)\/health/.exec(await api.line(/^api is up/)) ?? []
      const ready = await fetch(`${url}/health/ready`)
      expect(ready.status).toBe(503)
      expect(await ready.text()).toContain('does not take this login as saldo_api')
      await api.kill('SIGTERM')
    },
    LIMIT_MS,
  )

  test(
    'actors decide alone, at the port that is set, and drain on SIGTERM',
    async () => {
      const port = await freePort()
      const settings = { DATABASE_URL: database.url, SALDO_PORT: String(port) }
      const actors = folder.start(['run', 'actors'], { settings })
      await actors.line(/^actors is up/)
      const commands = folder.start(['send', '--wait'], {
        settings,
        input:
          '{"userId":"u-1","body":{"type":"OpenAccount","accountId":"main","kind":"checking","currency":"NOK"}}\n',
      })
      expect((await commands.ended).stdout).toContain('accepted')
      const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
      expect(metrics).toContain('saldo_commands_decided_total{verdict="accepted"} 1')
      const { code, stderr } = await actors.kill('SIGTERM')
      expect(stderr).toMatch(/draining\nstopped$/)
      expect(code).toBe(0)
    },
    LIMIT_MS,
  )

  test('names every problem of the role with its settings, and none of another role', async () => {
    const settings = { SALDO_ENV: 'production', SALDO_PORT: 'none' }
    const api = await folder.run(['run', 'api'], { settings })
    expect(api.code).toBe(2)
    expect(api.stderr).toMatch(/SALDO_PORT must be .*\n.*SALDO_JWT_SECRET, .* must be set/)
    expect(api.stderr).not.toContain('MASTER_KEY')
    const clock = await folder.run(['run', 'tables'], { settings })
    expect(clock.stderr).toMatch(/SALDO_PORT must be .*\n.*SALDO_MASTER_KEY or .* must be set/)
    expect(clock.stderr).not.toContain('JWT')
  })
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
