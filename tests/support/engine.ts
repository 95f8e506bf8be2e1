/** The whole engine in this process over a database of its own: the actors and the tables of every partition. */
import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import { STATES_GENERATION } from '../../actors/generation.ts'
import { keyring, type Keyring } from '../../privacy/keyring.ts'
import type { LedgerCommand } from '../../schemas/types.ts'
import { SaldoError } from '../../schemas/errors.ts'
import { openPool } from '../../sink/postgres/pool.ts'
import { postgresCheckpointStore } from '../../sink/postgres-checkpoint-store.ts'
import { postgresTableStore } from '../../sink/postgres-table-store.ts'
import type { Log, NewRecord } from '../../topology/log/log.ts'
import { keepRunning } from '../../topology/keep-running.ts'
import { postgresLog } from '../../topology/log/postgres-log.ts'
import { runActors, type ActorDeps } from '../../topology/run-actors.ts'
import { runTables, type TableDeps } from '../../topology/run-tables.ts'
import { ledgerTables, outcomeTables, type TableReader } from '../../topology/table-reader.ts'
import { commandRecord } from './actor-world.ts'

export type Engine = {
  readonly log: Log
  readonly keys: Keyring
  readonly pool: pg.Pool
  send(commands: readonly LedgerCommand[]): Promise<void>
  /** Records of commands as they are, readable or not. */
  sendRecords(records: readonly NewRecord[]): Promise<void>
  /** Resolves when everything sent is answered and in the tables; rejects when a loop ended before. */
  settled(): Promise<void>
  /** Drains every partition, so that tables and checkpoints are current, and closes everything. */
  stop(): Promise<void>
}

export type EngineOptions = {
  readonly url: string
  readonly partitions: number
  readonly masterKey?: Buffer
  readonly batchRecords?: number
  readonly batchBytes?: number
  readonly checkpointEveryMs?: number
  /** Of another release. */
  readonly generation?: number
  /** An owner of tables that has a newer one begins again, as in production; without it that is a failure. */
  readonly ownersRestart?: boolean
}

export async function startEngine(options: EngineOptions): Promise<Engine> {
  const { url, partitions, masterKey = randomBytes(32) } = options
  const log = await postgresLog({ url, partitions, role: 'test' })
  const pool = openPool(url, { role: 'test-keys', max: 2 })
  const keys = keyring(pool, masterKey)
  const producer = log.producer()
  const stop = new AbortController()
  const count = new Counts()
  const loops: Promise<void>[] = []
  const stores: { close(): Promise<void> }[] = []
  const kept = <T extends { close(): Promise<void> }>(store: T): T => {
    stores.push(store)
    return store
  }
  const limit = { records: options.batchRecords ?? 100, bytes: options.batchBytes ?? 1 << 20 }
  const actors: ActorDeps = {
    log,
    keys,
    limit,
    store: kept(postgresCheckpointStore(url, 'test', options.generation ?? STATES_GENERATION)),
    sharding: 8,
    pace: {
      everyMs: options.checkpointEveryMs ?? 50,
      changedStates: 500,
      changedStatesMax: 100_000,
    },
    cellsMax: 10_000,
    now: () => performance.now(),
    observe: count.actors,
  }
  for (let partition = 0; partition < partitions; partition++) {
    const tablesOf = (): TableDeps => ({
      log,
      keys,
      limit,
      store: kept(postgresTableStore(url, 'test-tables')),
      observe: count.tables,
    })
    const read = <Item>(reader: TableReader<Item>): Promise<void> => {
      if (options.ownersRestart !== true) {
        return runTables(reader, partition, tablesOf(), stop.signal)
      }
      const run = (): Promise<void> => runTables(reader, partition, tablesOf(), stop.signal)
      return keepRunning(partition, run, stop.signal, (error) => {
        if (!(error instanceof SaldoError && error.code === 'SALDO_LEASE_FENCED')) count.fail(error)
      })
    }
    loops.push(runActors(partition, actors, stop.signal), read(ledgerTables), read(outcomeTables))
  }
  for (const loop of loops) loop.catch((error: unknown) => count.fail(error))
  const sendRecords = async (records: readonly NewRecord[]): Promise<void> => {
    count.sent += records.length
    await producer.append(records)
  }
  return {
    log,
    keys,
    pool,
    send: (commands) => sendRecords(commands.map((one) => commandRecord(one, partitions))),
    sendRecords,
    settled: () => count.settled(),
    async stop() {
      stop.abort()
      const ends = await Promise.allSettled(loops)
      for (const store of stores) await store.close()
      await pool.end()
      await log.close()
      const failed = ends.find((end) => end.status === 'rejected')
      if (failed !== undefined) throw failed.reason
    },
  }
}

/** What was sent, answered and applied since the start; every change asks whether it is all. */
class Counts {
  sent = 0
  #answered = 0
  #events = 0
  #outcomes = 0
  readonly #applied: { [reader: string]: number } = {}
  #waiting: PromiseWithResolvers<void>[] = []
  #failure: { readonly error: unknown } | undefined

  readonly actors: ActorDeps['observe'] = {
    state: () => {},
    committed: (_partition, { answers, deadLetters }) => {
      // A command that the engine failed on has an outcome and a dead letter.
      const failed = answers.filter(({ fault }) => fault !== undefined).length
      this.#answered += answers.length + deadLetters - failed
      this.#outcomes += answers.length
      for (const { events } of answers) this.#events += events.length
      this.#check()
    },
    fault: (_partition, error) => this.fail(error),
  }

  readonly tables: TableDeps['observe'] = {
    applied: (reader, _partition, { items }) => {
      this.#applied[reader] = (this.#applied[reader] ?? 0) + items
      this.#check()
    },
    detached: (_processor, _partition, error) => this.fail(error),
  }

  fail(error: unknown): void {
    this.#failure ??= { error }
    this.#check()
  }

  settled(): Promise<void> {
    const one = Promise.withResolvers<void>()
    this.#waiting.push(one)
    this.#check()
    return one.promise
  }

  #check(): void {
    if (this.#failure === undefined && !this.#isAll()) return
    for (const { resolve, reject } of this.#waiting) {
      if (this.#failure === undefined) resolve()
      else reject(this.#failure.error)
    }
    this.#waiting = []
  }

  #isAll(): boolean {
    return (
      this.#answered >= this.sent &&
      (this.#applied[ledgerTables.name] ?? 0) >= this.#events &&
      (this.#applied[outcomeTables.name] ?? 0) >= this.#outcomes
    )
  }
}
