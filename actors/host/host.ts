/**
 * Hosts the ledgers of one partition in nact actors, one message per (shard, batch).
 *
 * Invariant: a ledger's states are its committed events plus those of the batches in flight, folded. The host never
 * writes to the log; the loop commits the batch or throws the host away, so no state outlives a commit that failed.
 */
import { isId } from '../../schemas/ids.ts'
import { dispatch, query, spawn, start, stop, type Ref } from 'nact'
import { SaldoError } from '../../schemas/errors.ts'
import { answer, type Answer, type PreparedCommand, type Sealer } from '../answer.ts'
import { transactionsOf } from '../ledger.ts'
import { park } from '../park.ts'
import { LedgerStates, type Held, type StateOf } from '../ledger-states.ts'

/** `ledger` gives every ledger an actor of its own; both ways answer alike. */
export type Sharding = number | 'ledger'

/** What the store knows of one ledger: its key, its states, and transactions that it knows nothing of. */
export type Loaded = {
  readonly userId: string
  readonly sealer: Sealer
  readonly states: readonly LoadedState[]
  readonly absentTransactions: readonly string[]
}

export type LoadedState = {
  [T in keyof StateOf]: { readonly type: T; readonly id: string; readonly held: Held<T> }
}[keyof StateOf]

export type Missing = {
  readonly ledgers: readonly string[]
  readonly transactions: readonly { readonly userId: string; readonly transactionId: string }[]
}

/** The answer to one command, the states it changed as they are after it, and the error when we failed. */
export type Answered = Answer & { readonly fault?: unknown }

type Hosted = {
  readonly ledger: LedgerStates
  sealer: Sealer
  /** Offset of the last command that was set aside since the ledger is in memory. */
  lastParked?: number
}
type Ledgers = Map<string, Hosted>
type Item = { readonly index: number; readonly prepared: PreparedCommand }
type Reply =
  | { readonly answers: readonly (readonly [number, Answered])[] }
  | { readonly error: unknown }
type Message = { readonly items: readonly Item[]; readonly replyTo: Ref<Reply> }
type Shard = { readonly actor: Ref<Message>; readonly ledgers: Ledgers }

// A batch folds in milliseconds; an actor that does not answer in this time is stopped or broken.
const ANSWER_TIMEOUT_MS = 60_000

export class LedgerHost {
  readonly #system = start()
  readonly #sharding: Sharding
  readonly #shards = new Map<string | number, Shard>()
  /** Every ledger in memory with the map it is in, the most recently used last. */
  readonly #recent = new Map<string, { readonly ledgers: Ledgers; readonly hosted: Hosted }>()

  constructor(sharding: Sharding = 64) {
    this.#sharding = sharding
  }

  /** What the commands need and memory lacks. Absence counts as known once it was loaded. */
  missing(commands: readonly PreparedCommand[]): Missing {
    const ledgers = new Set<string>()
    const transactions = new Map<string, { userId: string; transactionId: string }>()
    for (const { command } of commands) {
      const { userId } = command
      const hosted = this.#shardOf(userId).ledgers.get(userId)
      if (hosted === undefined) ledgers.add(userId)
      for (const id of transactionsOf(command.body)) {
        // What is no id names nothing, and no store has to be asked for it: the rules refuse it.
        if (!isId(id) || hosted?.ledger.has({ type: 'transaction', id })) continue
        transactions.set(`${userId}/${id}`, { userId, transactionId: id })
      }
    }
    return { ledgers: [...ledgers], transactions: [...transactions.values()] }
  }

  /** Puts what was loaded in place; what is in memory already is newer and stays. */
  install(loaded: readonly Loaded[]): void {
    for (const { userId, sealer, states, absentTransactions } of loaded) {
      const { ledgers } = this.#shardOf(userId)
      let hosted = ledgers.get(userId)
      const isNew = hosted === undefined
      if (hosted === undefined) {
        hosted = { ledger: new LedgerStates(userId), sealer }
        ledgers.set(userId, hosted)
        this.#recent.set(userId, { ledgers, hosted })
      } else if (!sealer.readable) {
        // Shredded since it was loaded: its rows do not open any more, and what is there would count as absent.
        hosted.sealer = sealer
      }
      for (const { type, id, held } of states) hosted.ledger.install(type, id, held)
      if (isNew) hosted.ledger.loaded()
      for (const id of absentTransactions) hosted.ledger.cell('transaction', id)
    }
  }

  /** A ledger that is in memory; for restore, which folds old events before any command. */
  ledger(userId: string): LedgerStates | undefined {
    return this.#shardOf(userId).ledgers.get(userId)?.ledger
  }

  /** Answers in the order of the commands. Every ledger that they name is installed. */
  async decide(commands: readonly PreparedCommand[]): Promise<readonly Answered[]> {
    const byShard = new Map<Shard, Item[]>()
    for (const [index, prepared] of commands.entries()) {
      const shard = this.#shardOf(prepared.command.userId)
      this.#use(prepared.command.userId)
      const items = byShard.get(shard)
      if (items === undefined) byShard.set(shard, [{ index, prepared }])
      else items.push({ index, prepared })
    }
    const replies = await Promise.all(
      Array.from(byShard, ([shard, items]) => ask(shard.actor, items)),
    )
    const answers: Answered[] = []
    for (const reply of replies) {
      if ('error' in reply) throw reply.error
      for (const [index, answered] of reply.answers) answers[index] = answered
    }
    return answers
  }

  /** Lets clean states go, of the least recently used ledgers first, until at most `cellsMax` are left. Never a changed one. */
  evict(cellsMax: number): void {
    let cells = 0
    for (const { hosted } of this.#recent.values()) cells += hosted.ledger.size
    for (const [userId, { ledgers, hosted }] of this.#recent) {
      if (cells <= cellsMax) return
      const { ledger } = hosted
      cells -= ledger.evictTransactions()
      if (cells <= cellsMax || !ledger.isClean) continue
      cells -= ledger.size
      ledgers.delete(userId)
      this.#recent.delete(userId)
    }
  }

  stop(): void {
    stop(this.#system)
    this.#shards.clear()
    this.#recent.clear()
  }

  #use(userId: string): void {
    const one = this.#recent.get(userId)
    if (one === undefined) return
    this.#recent.delete(userId)
    this.#recent.set(userId, one)
  }

  #shardOf(userId: string): Shard {
    const key = this.#sharding === 'ledger' ? userId : hashOf(userId) % this.#sharding
    let shard = this.#shards.get(key)
    if (shard === undefined) {
      const ledgers: Ledgers = new Map()
      // Names are counted: a user id may hold characters that nact refuses.
      const actor: Ref<Message> = spawn(this.#system, handle, `shard-${this.#shards.size}`, {
        initialState: ledgers,
        // As by default, but without printing the message.
        onCrash: (_message, _error, context) => context.stop,
      })
      shard = { actor, ledgers }
      this.#shards.set(key, shard)
    }
    return shard
  }
}

function ask(actor: Ref<Message>, items: readonly Item[]): Promise<Reply> {
  return query(actor, (replyTo: Ref<Reply>) => ({ items, replyTo }), ANSWER_TIMEOUT_MS)
}

function handle(ledgers: Ledgers, { items, replyTo }: Message): Ledgers {
  try {
    dispatch(replyTo, {
      answers: items.map(({ index, prepared }) => [index, answerIn(ledgers, prepared)] as const),
    })
  } catch (error) {
    // nact stops an actor that throws and leaves the asker to time out: answer first.
    dispatch(replyTo, { error })
    throw error
  }
  return ledgers
}

function answerIn(ledgers: Ledgers, prepared: PreparedCommand): Answered {
  const { userId } = prepared.command
  const hosted = ledgers.get(userId)
  if (hosted === undefined) throw new Error('a command for a ledger that was not loaded')
  try {
    const answered = answer(hosted.ledger, withLastParked(prepared, hosted), hosted.sealer)
    if (answered.outcome.verdict === 'parked') hosted.lastParked = Number(prepared.offset)
    return answered
  } catch (fault) {
    return { ...parked(hosted, prepared, fault), fault }
  }
}

/** What the batch itself has set aside is not in the log yet. */
function withLastParked(prepared: PreparedCommand, { lastParked }: Hosted): PreparedCommand {
  if (lastParked === undefined || prepared.command.body.type !== 'UnparkLedger') return prepared
  return { ...prepared, lastParked: Math.max(lastParked, prepared.lastParked ?? lastParked) }
}

function parked({ ledger, sealer }: Hosted, prepared: PreparedCommand, fault: unknown): Answer {
  try {
    return park(ledger, prepared, sealer)
  } catch (cause) {
    const { partition, offset } = prepared
    throw new SaldoError(
      'SALDO_BATCH_FAILING',
      `the command at partition ${partition} offset ${offset} failed (${messageOf(fault)}), and its ledger cannot be parked: ${messageOf(cause)}`,
      { retryable: false, cause },
    )
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** FNV-1a: spreads ids over shards; means nothing outside this process. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  }
  return hash >>> 0
}
