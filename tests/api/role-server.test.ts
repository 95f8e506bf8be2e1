import { afterEach, describe, expect, test } from 'vitest'
import type { ReadyCheck } from '../../api/health.ts'
import { startRoleServer, type RoleServer } from '../../api/role-server.ts'
import { get } from './query/client.ts'

let server: RoleServer | undefined
afterEach(() => server?.close())

async function start(ready: ReadyCheck): Promise<string> {
  const metrics = async (): Promise<string> => 'saldo_commands_total 7\n'
  server = await startRoleServer({ host: '127.0.0.1', port: 0, ready, metrics })
  return server.url
}

describe('a role', () => {
  test('is ready when everything it needs is', async () => {
    const url = await start(async () => [{ name: 'log', ready: true }])
    for (const path of ['/health', '/health/ready', '/health/live']) {
      expect((await get(`${url}${path}`)).status).toBe(200)
    }
  })

  test('is not ready when one thing is not, and says which and why', async () => {
    const checks = [
      { name: 'database', ready: true },
      { name: 'partition 3', ready: false, reason: 'restoring' },
    ]
    const url = await start(async () => checks)
    const { status, body } = await get(`${url}/health/ready`)
    expect(status).toBe(503)
    expect(body).toEqual({ status: 'not ready', checks })
    expect((await get(`${url}/health/live`)).status).toBe(200)
  })

  test('shows its metrics as text', async () => {
    const { status, headers, text } = await get(`${await start(async () => [])}/metrics`)
    expect(status).toBe(200)
    expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(text).toBe('saldo_commands_total 7\n')
  })

  test('whose check throws answers 500 without the reason', async () => {
    const url = await start(async () => {
      throw new Error('password=hidden')
    })
    const { status, body } = await get(`${url}/health/ready`)
    expect(status).toBe(500)
    expect(JSON.stringify(body)).not.toContain('hidden')
  })

  test('is not written to', async () => {
    const url = await start(async () => [])
    expect((await get(`${url}/metrics`, { method: 'POST', body: '{}' })).status).toBe(405)
  })
})
