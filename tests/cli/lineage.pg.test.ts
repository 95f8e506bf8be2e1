import pg from 'pg'
import { expect, test } from 'vitest'
import { runLineage } from '../../cli/lineage.ts'
import { describePostgres } from '../support/postgres.ts'
import { tableNames } from '../support/table-rows.ts'

describePostgres('saldo topology --tables', (database) => {
  async function printed(json: boolean): Promise<readonly string[]> {
    const lines: string[] = []
    const out = {
      result: (line: string) => void lines.push(line),
      note: () => {},
      flushed: () => Promise.resolve(),
    }
    await runLineage(database.url, { json }, out)
    return lines
  }

  test('says of every table from which topic, by which processor, which views read it, and the last rebuild', async () => {
    const client = new pg.Client(database.url)
    await client.connect()
    await client.query(`
      CREATE VIEW open_accounts AS SELECT * FROM accounts WHERE status = 'open';
      CREATE VIEW own_wealth AS SELECT currency, sum(balance_minor) FROM open_accounts GROUP BY 1;
      INSERT INTO processor_runs (processor, tables, started_at, partitions, events, rows, result)
      VALUES ('accounts', '{accounts}', '2026-03-14T12:00:00Z', 4, 7, 2, 'done'),
             ('accounts', '{accounts}', '2026-03-15T12:00:00Z', 4, 7, NULL, 'failed')`)
    await client.end()
    const lines = await printed(false)
    expect(lines).toContainEqual(
      expect.stringMatching(
        /^ledger\.events -> accounts \(rows\) -> accounts -> .*open_accounts, own_wealth.*; rebuilt 2026-03-15T12:00:00\.000Z, failed$/,
      ),
    )
    expect(lines).toContainEqual(
      expect.stringMatching(/^ledger\.outcomes -> command-outcomes \(first\) -> command_outcomes/),
    )
    const [json = ''] = await printed(true)
    const tables = (JSON.parse(json) as { table: string }[]).map(({ table }) => table)
    expect(tables.toSorted()).toEqual(tableNames.toSorted())
  })
})
