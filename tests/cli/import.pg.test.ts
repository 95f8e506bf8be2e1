import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { waitUntilProcessed } from '../../cli/wait-until-processed.ts'
import { embeddedPostgres } from '../../sink/postgres/embedded-postgres.ts'
import { postgresLog } from '../../topology/log/postgres-log.ts'
import { ACTOR_GROUP } from '../../topology/run-actors.ts'
import { withDataFolder, type Ended, type SaldoProcess } from '../support/saldo-process.ts'

const root = join(import.meta.dirname, '..', '..')
const fixture = (name: string): string => join(root, 'tests', 'fixtures', 'import', name)
const oxfordFile = join(
  root,
  '..',
  'shared',
  'eval-data',
  'oxford_procurement_card_jan_mar_2017.csv',
)

describe('saldo import', () => {
  const folder = withDataFolder()
  let engine: SaldoProcess
  beforeAll(async () => {
    engine = folder.start(['up', '--no-demo'])
    await engine.line(/^Ctrl-C stops it/)
  })

  type Import = { readonly file: string; readonly user: string; readonly more: readonly string[] }
  const importing = ({ file, user, more }: Import): Promise<Ended> =>
    folder.run(['import', file, '--user', user, '--account', 'card', ...more])

  /** An import waits for the answers; the tables follow. */
  async function tablesAreCurrent(): Promise<void> {
    const { url, release } = await embeddedPostgres({ dataDir: folder.path })
    const log = await postgresLog({ url, partitions: 4, role: 'test' })
    await waitUntilProcessed(log, url, ACTOR_GROUP, new AbortController().signal)
    await log.close()
    await release()
  }

  async function balanceOf(user: string): Promise<unknown> {
    await tablesAreCurrent()
    const token = (await folder.run(['token', '--user', user])).stdout
    const [, api] = /(http:\S+)\/v1\/accounts/.exec(await engine.line(/^ {2}API/)) ?? []
    const answer = await fetch(`${api}/v1/accounts/card`, {
      headers: { authorization: `Bearer ${token}` },
    })
    return answer.json()
  }

  test('records every good row once, keeps true twins, and names line and reason of the others', async () => {
    const more = ['--profile', 'oxford', '--currency', 'GBP', '--json']
    const request = { file: fixture('card-spending.csv'), user: 'u-1', more }
    const first = await importing(request)
    const rejections = [6, 7, 10, 11, 12, 13].map((line) => ({
      line,
      path: expect.anything() as unknown,
      reason: expect.any(String) as unknown,
    }))
    expect(JSON.parse(first.stdout)).toEqual({
      read: 12,
      recorded: 6,
      duplicates: 0,
      rejected: 6,
      rejections,
    })
    expect(first.code).toBe(1)

    const again = await importing(request)
    expect(JSON.parse(again.stdout)).toMatchObject({ recorded: 0, duplicates: 6, rejected: 6 })
    expect(again.code).toBe(1)
  })

  test('tells people the counts on one line and the rejected lines on stderr', async () => {
    const more = ['--profile', 'generic', '--currency', 'NOK']
    const { code, stdout, stderr } = await importing({
      file: fixture('generic.csv'),
      user: 'u-2',
      more,
    })
    expect(stdout).toBe('3 rows read, 2 recorded, 0 duplicates, 1 rejected')
    expect(stderr).toContain('line 4: "XXQ" is not an ISO 4217 currency')
    expect(code).toBe(1)
  })

  test.each([
    ['a missing account without a currency', 'generic.csv', [], 'there is no account "card"'],
    ['a currency that is none', 'generic.csv', ['--currency', 'ZZZ'], '"ZZZ" is not an ISO 4217'],
    ['a file of another layout', 'header-missing.csv', ['--currency', 'NOK'], 'lacks "Date"'],
    ['a file that is empty', 'empty.csv', ['--currency', 'NOK'], 'is empty'],
    ['a file that is no text', 'binary.csv', ['--currency', 'NOK'], 'is not a text file'],
  ])('refuses %s with one sentence and 2', async (_what, name, currency, sentence) => {
    const more = ['--profile', 'generic', ...currency]
    const ended = await importing({ file: fixture(name), user: 'u-3', more })
    const { code, stdout, stderr } = ended
    const problems = stderr.split('\n').filter((line) => line.startsWith('saldo: '))
    expect(problems).toEqual([expect.stringContaining(sentence)])
    expect(stderr).not.toMatch(/^ +at /m)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  })

  test('refuses a currency that is not the one of the account', async () => {
    const more = ['--profile', 'generic', '--currency', 'TZS']
    const { code, stderr } = await importing({ file: fixture('generic.csv'), user: 'u-2', more })
    expect(stderr).toContain('account "card" is kept in NOK, not TZS')
    expect(code).toBe(2)
  })

  const absent = existsSync(oxfordFile) ? '' : ` (skipped: there is no ${oxfordFile})`
  test.skipIf(absent !== '')(
    `a real file of 1,141 rows is recorded once and has its exact balance${absent}`,
    async () => {
      const more = ['--profile', 'oxford', '--currency', 'GBP', '--json']
      const request = { file: oxfordFile, user: 'u-4', more }
      const counts = { read: 1141, rejected: 0, rejections: [] }
      const first = await importing(request)
      expect(JSON.parse(first.stdout)).toEqual({ ...counts, recorded: 1141, duplicates: 0 })
      expect(first.code).toBe(0)
      const again = await importing(request)
      expect(JSON.parse(again.stdout)).toEqual({ ...counts, recorded: 0, duplicates: 1141 })
      expect(again.code).toBe(0)
      expect(await balanceOf('u-4')).toMatchObject({
        account: { currency: 'GBP', balance: '-178660.96', transactionCount: 1141 },
      })
    },
  )

  test('leaves nothing that differs', async () => {
    const { code, stdout } = await folder.run(['verify', '--json'])
    expect(JSON.parse(stdout)).toMatchObject({ differences: 0 })
    expect(code).toBe(0)
  })
})
