import pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openAuditLog, type AuditEntry, type AuditLog } from '../../sink/audit-log.ts'
import { describePostgres } from '../support/postgres.ts'

const ENTRY: AuditEntry = {
  userId: 'ana',
  actor: 'ana',
  action: 'view',
  resource: '/v1/accounts',
  status: 200,
  at: Date.UTC(2024, 4, 1, 10, 0, 0, 123),
}

describePostgres('the audit log', (database) => {
  let admin: pg.Client
  let locker: pg.Client
  const counted = { written: 0, lost: 0, failures: [] as Error[] }

  beforeAll(async () => {
    admin = new pg.Client(database.url)
    locker = new pg.Client(database.url)
    await Promise.all([admin.connect(), locker.connect()])
  })
  beforeEach(async () => {
    await admin.query('TRUNCATE audit_log')
    Object.assign(counted, { written: 0, lost: 0, failures: [] })
  })
  afterAll(() => Promise.all([admin.end(), locker.end()]))

  const open = (failed?: (error: Error) => void): AuditLog =>
    openAuditLog(database.url, {
      written: (entries) => (counted.written += entries),
      lost: (entries) => (counted.lost += entries),
      failed: (error) => {
        counted.failures.push(error)
        failed?.(error)
      },
    })
  const lines = async (): Promise<readonly object[]> =>
    (
      await admin.query(
        'SELECT user_id, actor, action, resource, status, recorded_at FROM audit_log ORDER BY recorded_at',
      )
    ).rows

  test('holds every line once, also those that were recorded just before the end', async () => {
    const log = open()
    for (let n = 0; n < 4_500; n++) log.record({ ...ENTRY, at: ENTRY.at + n })
    log.record({ ...ENTRY, actor: 'operator', status: 404, at: ENTRY.at + 10_000 })
    await log.close()
    const found = await lines()
    expect(found).toHaveLength(4_501)
    expect(found[0]).toEqual({
      user_id: 'ana',
      actor: 'ana',
      action: 'view',
      resource: '/v1/accounts',
      status: 200,
      recorded_at: new Date(ENTRY.at),
    })
    expect(found.at(-1)).toMatchObject({ actor: 'operator', status: 404 })
    expect(counted).toEqual({ written: 4_501, lost: 0, failures: [] })
  })

  test('is written after a failure of the database, with what came meanwhile', async () => {
    const failed = Promise.withResolvers<void>()
    const log = open(() => failed.resolve())
    // The connection of the batch that waits for this lock is ended.
    await locker.query('BEGIN; LOCK audit_log IN ACCESS EXCLUSIVE MODE')
    log.record(ENTRY)
    await endConnectionThatWaits(admin)
    await failed.promise
    log.record({ ...ENTRY, at: ENTRY.at + 1 })
    await locker.query('COMMIT')
    await log.close()
    expect(await lines()).toHaveLength(2)
    expect(counted).toMatchObject({ written: 2, lost: 0 })
  })

  test('counts what it had to give up', async () => {
    const log = open()
    log.record({ ...ENTRY, action: 'guess' as 'view' })
    await log.close()
    expect(await lines()).toEqual([])
    expect(counted).toMatchObject({ written: 0, lost: 1, failures: [expect.any(pg.DatabaseError)] })
  })

  test('keeps a limited number of lines for a database that is away, and counts the others', async () => {
    const away = new URL(database.url)
    away.port = '1'
    const log = openAuditLog(away.href, {
      written: (entries) => (counted.written += entries),
      lost: (entries) => (counted.lost += entries),
      failed: (error) => counted.failures.push(error),
    })
    for (let n = 0; n < 20_010; n++) log.record(ENTRY)
    expect(counted.lost).toBe(10)
    await log.close()
    expect(counted).toMatchObject({ written: 0, lost: 20_010 })
  })

  test('shows a user the lines of that user', async () => {
    const log = open()
    log.record(ENTRY)
    log.record({ ...ENTRY, userId: 'ben' })
    await log.close()
    await admin.query("BEGIN; SET LOCAL ROLE saldo_api; SET LOCAL saldo.user_id = 'ben'")
    const { rows } = await admin.query('SELECT user_id FROM own_audit_log')
    await expect(admin.query('SELECT FROM audit_log')).rejects.toThrow('permission denied')
    await admin.query('ROLLBACK')
    expect(rows).toEqual([{ user_id: 'ben' }])
  })
})

async function endConnectionThatWaits(admin: pg.Client): Promise<void> {
  for (let ended = 0; ended === 0;) {
    const { rowCount } = await admin.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock' AND application_name LIKE '%:audit'`,
    )
    ended = rowCount ?? 0
  }
}
