/**
 * The whole engine on one screen: every topic, who writes it, who reads it.
 * Data only: `run-*.ts` give it a log and a store, `describe` prints it, tests/topology holds its rules.
 */
import { actors, producers, relay, streams, tables, type Topology } from './graph.ts'

export const topology: Topology = [
  producers('anyone', { writes: ['ledger.commands'] }),
  actors('ledger', {
    reads: 'ledger.commands',
    writes: ['ledger.events', 'ledger.outcomes', 'ledger.parked', 'ledger.dead-letters'],
  }),
  tables('ledger-tables', {
    reads: 'ledger.events',
    writes: [
      'events',
      'transaction_events',
      'transactions',
      'accounts',
      'categories',
      'daily_aggregates',
      'daily_income',
      'balance_history',
      'budget_status',
      'profiles',
      'outbox',
    ],
  }),
  tables('outcome-tables', { reads: 'ledger.outcomes', writes: ['command_outcomes'] }),
  streams('transactions-created', { reads: 'ledger.events', writes: ['transactions.created'] }),
  streams('transactions-categorized', {
    reads: 'ledger.events',
    writes: ['transactions.categorized'],
  }),
  streams('expense-events', { reads: 'ledger.events', writes: ['expenses.events'] }),
  relay('outbox', { reads: 'table:outbox', writes: ['budgets.exceeded'] }),
]
