/**
 * Makes the real loop, over the memory log, go the way of a trace of the model: every owner is stopped at every step
 * that the model knows, and goes on when it is its turn. After each action both must have come to the same place.
 */
import { SaldoError } from '../../schemas/errors.ts'
import type { LedgerCommand } from '../../schemas/types.ts'
import type { CheckpointStore } from '../../sink/checkpoint-store.ts'
import type { LogFault, LogStep, MemoryLog } from '../../topology/log/memory-log.ts'
import { runActors, type ActorDeps } from '../../topology/run-actors.ts'
import { commandRecord, commandsPlace, newWorld, turn, type World } from '../support/actor-world.ts'
import type { Trace } from './explore.ts'
import { apply, begin, type Action, type Answer, type Ending, type State } from './protocol.ts'

/** The first difference between the model and the loop, with the action it came after; undefined when there is none. */
export async function firstDifference(trace: Trace, owners: number): Promise<string | undefined> {
  const real = new RealPartition(owners)
  let state = begin(owners)
  for (const [n, action] of trace.entries()) {
    const after = apply(state, action)
    state = after.state
    await real.act(action)
    const differences = await settled(() => real.differences(state, action, after.ending))
    if (differences.length > 0) return `${n} ${JSON.stringify(action)}: ${differences.join('; ')}`
  }
  return real.rowDifference(state)
}

// What one action causes takes some turns of the event loop; the longest way is that of a restore.
const TURNS_MAX = 300
const TURNS_QUIET = 5

/** What is still different when nothing moves any more. */
async function settled(differences: () => readonly string[]): Promise<readonly string[]> {
  for (let turns = 0; turns < TURNS_MAX && differences().length > 0; turns++) await turn()
  for (let turns = 0; turns < TURNS_QUIET; turns++) await turn()
  return differences()
}

/** Where an owner in the model is, as the call that the real one waits in. */
const gateAt = {
  out: undefined,
  fenced: 'takeOver',
  taken: 'end',
  restoring: 'load',
  loading: 'load',
  running: 'commit',
  cutting: 'end',
  confirming: 'confirm',
  blaming: 'confirm',
  waiting: 'wake',
} as const
const codes: { readonly [ending in Ending]?: string } = {
  fenced: 'SALDO_LEASE_FENCED',
  'in-doubt': 'SALDO_COMMIT_IN_DOUBT',
  'save-failed': 'SALDO_DATABASE_UNAVAILABLE',
}
const gatedSteps: { readonly [step in LogStep]?: string } = {
  end: 'end',
  'before-commit': 'commit',
  confirm: 'confirm',
}

type Gate = { readonly name: string; readonly open: (answer: Answer | 'dead') => void }
type Progress = { readonly events: bigint; readonly commands: bigint | undefined }

class RealPartition {
  readonly #world: World = newWorld({ seed: 1, now: () => 0 })
  readonly #owners: RealOwner[]
  #sent = 0
  #progress: Progress = { events: 0n, commands: undefined }

  constructor(owners: number) {
    const world = { ...this.#world, store: this.#watched(this.#world.store) }
    this.#owners = Array.from({ length: owners }, () => new RealOwner(world))
  }

  async act(action: Action): Promise<void> {
    if (action.do === 'send') {
      await this.#world.log.producer().append([commandRecord(commandOf(this.#sent++))])
      return
    }
    const owner = this.#owners[action.owner] as RealOwner
    if (action.do === 'fence') owner.start()
    else if (action.do === 'crash') owner.crash()
    else if (action.do === 'save') owner.saves.shift()?.open(action.answer)
    else owner.gates.shift()?.open('answer' in action ? action.answer : 'heard')
  }

  differences(state: State, action: Action, ending: Ending | undefined): readonly string[] {
    const found: string[] = []
    const compare = (what: string, model: unknown, real: unknown): void => {
      if (model !== real)
        found.push(`${what} is ${String(model)} in the model, and ${String(real)}`)
    }
    const { log, store, owners, saves } = state
    const events = this.#offsets('ledger.events')
    const commands = this.#offsets('ledger.commands')
    const before = (offsets: readonly bigint[], end: bigint | undefined) =>
      end === undefined ? undefined : offsets.filter((offset) => offset < end).length
    compare('the number of events', log.events.length, events.length)
    compare(
      'the offset',
      log.committed,
      before(commands, this.#world.log.groupOffset(commandsPlace)) ?? 0,
    )
    const passed = log.events.filter(({ offset }) => offset < store.progress.events).length
    compare('the progress', passed, before(events, this.#progress.events))
    compare('its commands', store.progress.commands, before(commands, this.#progress.commands))
    for (const [index, { at }] of owners.entries()) {
      const real = this.#owners[index] as RealOwner
      const names = real.gates.map(({ name }) => name).join() || undefined
      compare(`the step of ${index}`, gateAt[at], names)
      const onTheirWay = saves.filter(({ owner }) => owner === index).length
      compare(`the saves of ${index}`, onTheirWay, real.saves.length)
      compare(`the end of ${index}`, at === 'out', real.isOut)
    }
    if (ending !== undefined && codes[ending] !== undefined && action.do !== 'send') {
      compare('its reason', codes[ending], this.#owners[action.owner]?.endedWith)
    }
    return found
  }

  async rowDifference({ store }: State): Promise<string | undefined> {
    const rows = await this.#world.store.load({ ledgers: ['user-1'], transactions: [] })
    const sequence = (name: string) => rows.find(({ stateId }) => stateId === name)?.sequence ?? 0
    const wrong = (['root', 'even', 'odd'] as const).find(
      (name) => sequence(name) !== store.rows[name].sequence,
    )
    return wrong === undefined ? undefined : `the row of ${wrong} is at ${sequence(wrong)}`
  }

  #offsets(topic: 'ledger.events' | 'ledger.commands'): readonly bigint[] {
    return this.#world.log.committed({ topic, partition: 0 }).map(({ offset }) => offset)
  }

  #watched(store: CheckpointStore): CheckpointStore {
    return {
      ...store,
      save: async (batch) => {
        const answer = await store.save(batch)
        const { toEventsOffset: events, commandsOffset: commands } = batch
        if (answer === 'saved') this.#progress = { events, commands }
        return answer
      },
    }
  }
}

class RealOwner {
  readonly gates: Gate[] = []
  readonly saves: Gate[] = []
  isOut = true
  endedWith: string | undefined
  readonly #world: World
  #log: MemoryLog | undefined
  #isCommitLost = false

  constructor(world: World) {
    this.#world = world
  }

  start(): void {
    const log = this.#world.log.reopen({ fault: (step) => this.#step(step) })
    // Nobody is told that he was replaced: he finds out.
    log.cutOff()
    this.#log = log
    this.isOut = false
    const deps: ActorDeps = {
      log: { ...log, arrival: () => this.#at('wake').then(() => undefined) },
      store: this.#store(),
      keys: this.#world.keys,
      sharding: 1,
      limit: { records: 1, bytes: 1_000_000 },
      pace: { everyMs: 0, changedStates: 1_000_000, changedStatesMax: 1_000_000 },
      cellsMax: 1_000_000,
      now: () => 0,
      observe: { state: () => undefined, committed: () => undefined, fault: () => undefined },
    }
    const end = (error?: unknown): void => {
      this.isOut = true
      this.endedWith = error instanceof SaldoError ? error.code : String(error)
    }
    runActors(0, deps, new AbortController().signal).then(end, end)
  }

  crash(): void {
    this.#log?.crash()
    for (const { open } of this.gates.splice(0)) open('dead')
  }

  async #step(step: LogStep): Promise<LogFault> {
    const lost = this.#isCommitLost
    if (step === 'after-commit') return lost ? 'in-doubt' : 'none'
    const name = gatedSteps[step]
    const answer = name === undefined ? 'heard' : await this.#at(name)
    this.#isCommitLost = answer === 'lost'
    return answer === 'failed' ? 'in-doubt' : 'none'
  }

  #at(name: string, gates = this.gates): Promise<Answer | 'dead'> {
    return new Promise((open) => gates.push({ name, open }))
  }

  #store(): CheckpointStore {
    const { store } = this.#world
    return {
      ...store,
      takeOver: async (...given) => {
        if ((await this.#at('takeOver')) === 'dead') throw away()
        return store.takeOver(...given)
      },
      load: async (wanted) => {
        if ((await this.#at('load')) === 'dead') throw away()
        return store.load(wanted)
      },
      save: async (batch) => {
        const answer = await this.#at('save', this.saves)
        if (answer === 'failed') throw away()
        const saved = await store.save(batch)
        if (answer === 'lost') throw away()
        return saved
      },
    }
  }
}

/** The first two open the parts, the others change them in turn; the root folds all. */
function commandOf(n: number): LedgerCommand {
  const accountId = n % 2 === 0 ? 'even' : 'odd'
  return {
    commandId: `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`,
    userId: 'user-1',
    issuedAt: 0,
    expectedVersion: null,
    initiator: { kind: 'user', id: 'user-1' },
    traceparent: null,
    body:
      n < 2
        ? {
            type: 'OpenAccount',
            accountId,
            kind: 'cash',
            currency: 'NOK',
            name: null,
            bankName: null,
          }
        : { type: 'RenameAccount', accountId, name: `name ${n}` },
  }
}

function away(): SaldoError {
  return new SaldoError('SALDO_DATABASE_UNAVAILABLE', 'the store is away', { retryable: true })
}
