import { describe as group, expect, test } from 'vitest'
import { topics } from '../../schemas/topics.ts'
import { outbox, tables as storedTables } from '../../sink/tables.ts'
import { actors, describe, problems, producers, streams, tables } from '../../topology/graph.ts'
import { streams as running } from '../../topology/run-streams.ts'
import { ledgerTables, outcomeTables } from '../../topology/table-reader.ts'
import { topology } from '../../topology/topology.ts'

/** Only a processor of related rows has anything to tell. */
function outboxOf(processors: readonly { readonly kind: string }[]): readonly string[] {
  return processors.some(({ kind }) => kind === 'related') ? [outbox.name] : []
}

group('topology', () => {
  test('the shape of the engine (update on purpose)', () => {
    expect(describe(topology).split('\n')).toEqual([
      'producers anyone: -> ledger.commands',
      'actors ledger: ledger.commands -> ledger.events, ledger.outcomes, ledger.parked, ledger.dead-letters',
      'tables ledger-tables: ledger.events -> table:events, table:transaction_events, table:transactions, table:accounts, table:categories, table:daily_aggregates, table:daily_income, table:balance_history, table:budget_status, table:profiles, table:outbox',
      'tables outcome-tables: ledger.outcomes -> table:command_outcomes',
      'streams transactions-created: ledger.events -> transactions.created',
      'streams transactions-categorized: ledger.events -> transactions.categorized',
      'streams expense-events: ledger.events -> expenses.events',
      'relay outbox: table:outbox -> budgets.exceeded',
    ])
  })

  test('every topic and table has one writer, and every topic that is read is written', () => {
    expect(problems(topology)).toEqual([])
  })

  test('every topic it names is one of the log', () => {
    const named = topology.flatMap(({ reads, writes }) => [...writes, ...(reads ? [reads] : [])])
    const tablesRead = named.filter((name) => name.startsWith('table:'))
    expect([...Object.keys(topics), ...tablesRead]).toEqual(expect.arrayContaining(named))
  })

  test('its tables are those that the readers write, in their order', () => {
    const said = topology.filter(({ kind }) => kind === 'tables')
    const run = [ledgerTables, outcomeTables].map(({ name, topic, processors }) =>
      tables(name, {
        reads: topic,
        writes: [...processors.map(({ table }) => table), ...outboxOf(processors)],
      }),
    )
    expect(said).toEqual(run)
  })

  test('its streams are those that run', () => {
    const said = topology.filter(({ kind }) => kind === 'streams')
    const run = running.map(({ name, topic }) =>
      streams(name, { reads: 'ledger.events', writes: [topic] }),
    )
    expect(said).toEqual(run)
  })

  test('every topic of the log has a writer', () => {
    const written = topology.flatMap(({ writes }) => writes)
    expect(written.toSorted()).toEqual(Object.keys(topics).toSorted())
  })

  test('every table of the store has a writer', () => {
    expect(topology.flatMap((node) => node.tables).toSorted()).toEqual(
      [...Object.keys(storedTables), outbox.name].toSorted(),
    )
  })
})

group('problems of a topology', () => {
  const anyone = producers('anyone', { writes: ['ledger.commands'] })

  test('a topic with two writers', () => {
    const other = producers('other', { writes: ['ledger.commands'] })
    expect(problems([anyone, other])).toEqual(['ledger.commands is written by anyone and by other'])
  })

  test('a table with two writers', () => {
    const one = tables('one', { reads: 'ledger.commands', writes: ['accounts'] })
    const two = tables('two', { reads: 'ledger.commands', writes: ['accounts'] })
    expect(problems([anyone, one, two])).toEqual(['table:accounts is written by one and by two'])
  })

  test('a topic that is read and that nobody writes', () => {
    const alone = actors('ledger', { reads: 'ledger.commands', writes: ['ledger.events'] })
    expect(problems([alone])).toEqual(['ledger reads ledger.commands, which nobody writes'])
  })

  test('all of them are told at once', () => {
    const reader = tables('reader', { reads: 'ledger.parked', writes: ['events', 'events'] })
    expect(problems([reader])).toEqual([
      'table:events is written by reader and by reader',
      'reader reads ledger.parked, which nobody writes',
    ])
  })
})
