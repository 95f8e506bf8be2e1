import { expect, test } from 'vitest'
import { CLEAN, commands, engineOn, judged } from '../support/damaged-run.ts'
import { describePostgres } from '../support/postgres.ts'

describePostgres('verify', (database) => {
  test('finds nothing after a random run, with every command answered', async () => {
    const engine = await engineOn(database.url, { batchRecords: 20 })
    await engine.send(commands.slice(0, 400))
    const unreadable = Buffer.from('not avro')
    const key = Buffer.from('user-1')
    const place = { topic: 'ledger.commands', partition: 1 } as const
    await engine.sendRecords([{ ...place, key, value: unreadable }])
    await engine.settled()
    await engine.stop()
    const verdict = await judged(database.url)
    expect(verdict).toMatchObject({ ...CLEAN, ledgers: 3, outcomes: 400 })
    expect(verdict.events).toBeGreaterThan(60)
  })

  test('finds nothing while commands are decided between its looks', async () => {
    const engine = await engineOn(database.url, { batchRecords: 10 })
    let sent = 400
    const verdict = await judged(database.url, (reader) => ({
      ...reader,
      async look(partition, userIds) {
        await engine.send(commands.slice(sent, (sent += 50)))
        await engine.settled()
        // What follows is on its way while the look is taken.
        await engine.send(commands.slice(sent, (sent += 50)))
        return reader.look(partition, userIds)
      },
    }))
    await engine.settled()
    await engine.stop()
    expect(verdict).toMatchObject({ ...CLEAN, ledgers: 3 })
    expect(sent).toBe(600)
  })

  test('finds nothing when the checkpoints are far behind the tables', async () => {
    const engine = await engineOn(database.url, { checkpointEveryMs: 3_600_000 })
    await engine.send(commands.slice(600, 700))
    await engine.settled()
    const verdict = await judged(database.url)
    await engine.stop()
    expect(verdict).toMatchObject(CLEAN)
    expect(await judged(database.url)).toMatchObject(CLEAN)
  })

  test('takes as many looks as there are portions of ledgers', async () => {
    const engine = await engineOn(database.url)
    const [opened] = commands.filter(({ body }) => body.type === 'OpenAccount')
    if (opened === undefined) throw new Error('another seed is needed')
    const many = Array.from({ length: 700 }, (_, n) => ({ ...opened, userId: `many-${n}` }))
    await engine.send(many)
    await engine.settled()
    await engine.stop()
    const looks: number[] = []
    const verdict = await judged(database.url, (reader) => ({
      ...reader,
      look(partition, userIds) {
        looks.push(userIds.length)
        return reader.look(partition, userIds)
      },
    }))
    expect(verdict).toMatchObject({ ...CLEAN, ledgers: 703 })
    expect(looks.reduce((a, b) => a + b)).toBe(703)
    expect(Math.max(...looks)).toBe(300)
  })
})
