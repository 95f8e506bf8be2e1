/**
 * An event store of the same language and the same database, for comparison: Emmett's, one stream per account, which is
 * read, folded and appended to with the version that was read. The same guards as ours; nothing sealed, no tables.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Pool } from 'pg'
import { AMOUNT_MINOR_MAX } from '../actors/transaction/amount.ts'
import { transactionOf, userOf, type Workload } from './workload.ts'

const CONNECTIONS = 4
const PEERS = join(import.meta.dirname, 'peers')

type Account = {
  readonly currency: string | undefined
  readonly balanceMinor: bigint
  readonly transactions: ReadonlySet<string>
}
type AccountEvent =
  | { readonly type: 'AccountOpened'; readonly data: { readonly currency: string } }
  | {
      readonly type: 'TransactionCreated'
      readonly data: {
        readonly transactionId: string
        readonly amountMinor: string
        readonly currency: string
        readonly occurredAt: number
        readonly description: string | null
        readonly source: string
      }
    }

type EventStore = { close(): Promise<void> }
type Handle = (
  store: EventStore,
  stream: string,
  decide: (state: Account) => AccountEvent,
) => Promise<unknown>
/** The part of the two packages that is used; they are installed apart, so the compiler may not see them. */
type Emmett = {
  CommandHandler(options: {
    evolve(state: Account, event: AccountEvent): Account
    initialState(): Account
  }): Handle
  getPostgreSQLEventStore(url: string): EventStore
}

/** Four commands at a time; undefined where the peers are not installed. */
export async function emmettEventStore(
  pool: Pool,
  url: string,
  workload: Workload,
): Promise<{ readonly commandsPerSecond: number; readonly correct: boolean } | undefined> {
  const emmett = await load()
  if (emmett === undefined) return undefined
  const store = emmett.getPostgreSQLEventStore(url)
  const handle = emmett.CommandHandler({ evolve, initialState: unopened })
  try {
    for (let user = 0; user < Math.min(workload.users, workload.commands); user += CONNECTIONS) {
      const some = Array.from({ length: CONNECTIONS }, (_, n) => streamOf(user + n, workload))
      await Promise.all(
        [...new Set(some)].map((stream) =>
          handle(store, stream, () => ({ type: 'AccountOpened', data: { currency: 'NOK' } })),
        ),
      )
    }
    const began = performance.now()
    let next = 0
    const work = async (): Promise<void> => {
      for (let index = next++; index < workload.commands; index = next++) {
        const command = transactionOf(index, Date.now())
        await handle(store, streamOf(index, workload), (account) => record(account, command))
      }
    }
    await Promise.all(Array.from({ length: CONNECTIONS }, work))
    const seconds = (performance.now() - began) / 1000
    const { rows } = await pool.query<{ created: bigint }>(
      `SELECT count(*) AS created FROM emt_messages WHERE message_type = 'TransactionCreated'`,
    )
    return {
      commandsPerSecond: Math.round(workload.commands / seconds),
      correct: rows[0]?.created === BigInt(workload.commands),
    }
  } finally {
    await store.close()
  }
}

async function load(): Promise<Emmett | undefined> {
  const entry = (name: string): string =>
    join(PEERS, 'node_modules/@event-driven-io', name, 'dist/index.js')
  if (!existsSync(entry('emmett'))) return undefined
  const [core, postgresql]: unknown[] = await Promise.all([
    import(entry('emmett')),
    import(entry('emmett-postgresql')),
  ])
  return { ...(core as object), ...(postgresql as object) } as Emmett
}

function streamOf(index: number, workload: Workload): string {
  return `account-${userOf(index, workload)}`
}

function unopened(): Account {
  return { currency: undefined, balanceMinor: 0n, transactions: new Set() }
}

function evolve(account: Account, { type, data }: AccountEvent): Account {
  if (type === 'AccountOpened') return { ...account, currency: data.currency }
  return {
    ...account,
    balanceMinor: account.balanceMinor + BigInt(data.amountMinor),
    transactions: new Set(account.transactions).add(data.transactionId),
  }
}

function record(account: Account, command: ReturnType<typeof transactionOf>): AccountEvent {
  const { transactionId, amountMinor, currency, occurredAt, description, source } = command
  if (account.currency === undefined) throw new Error('account-missing')
  if (account.currency !== currency) throw new Error('currency-mismatch')
  if (account.transactions.has(transactionId)) throw new Error('id-taken')
  if (amountMinor === 0n) throw new Error('amount-zero')
  if (amountMinor > AMOUNT_MINOR_MAX || amountMinor < -AMOUNT_MINOR_MAX)
    throw new Error('amount-over-limit')
  return {
    type: 'TransactionCreated',
    data: {
      transactionId,
      amountMinor: String(amountMinor),
      currency,
      occurredAt,
      description,
      source,
    },
  }
}
