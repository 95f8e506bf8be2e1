/**
 * The protocol of one partition as a state machine: fence → take over → restore → commit → cut → confirm → save.
 *
 * One ledger, whose state is a root, into which every event folds, and two parts, into which every other one does.
 * Command n gives event n. Owners do not know of each other; one that is held up is one whose turn does not come.
 * A save is on its way until it arrives, also after the death of its sender. Checkpoints are always due.
 * `tests/model/replay.ts` makes the real loop go the same ways.
 */

type StateName = 'root' | 'even' | 'odd'
/** After the event with this sequence: the commands that were folded. */
type Held = { readonly sequence: number; readonly commands: readonly number[] }
type Memory = { readonly [name in StateName]: Held }
type Event = { readonly offset: number; readonly command: number; readonly sequence: number }

export type Owner = {
  /** What it waits for or does next; `out` is before its fence and after its end. */
  readonly at: keyof typeof next | 'running'
  readonly logEpoch: number
  readonly storeEpoch: number
  /** Commands that are answered, as far as this owner knows. */
  readonly committed: number
  /** Where the progress stands, as far as this owner knows. */
  readonly saved: Position
  /** End of the events when it was read last. */
  readonly end: number
  readonly memory: Memory | undefined
  readonly changed: readonly StateName[]
  /** The loop has read the next command while this one commits. */
  readonly isAhead: boolean
  readonly isSaving: boolean
  readonly failure: 'fenced' | 'save-failed' | undefined
}

type Position = { readonly events: number; readonly commands: number | undefined }
type Save = {
  readonly owner: number
  /** Its sender lives and waits for the answer. */
  readonly isAwaited: boolean
  readonly epoch: number
  readonly from: number
  readonly to: Position
  readonly rows: Partial<Memory>
}

export type State = {
  readonly log: {
    readonly epoch: number
    readonly commands: number
    readonly committed: number
    readonly events: readonly Event[]
    /** Aborted events use offsets up. */
    readonly end: number
  }
  readonly store: { readonly epoch: number; readonly progress: Position; readonly rows: Memory }
  readonly owners: readonly Owner[]
  readonly saves: readonly Save[]
}

export type Step = (typeof next)[keyof typeof next]
/** `lost`: it happened and the owner does not hear of it. `failed`: it did not happen. */
export type Answer = 'heard' | 'lost' | 'failed'
export type Action =
  | { readonly do: 'send' }
  | { readonly do: Step | 'crash'; readonly owner: number }
  /** Of an owner's saves on their way, the one that was sent first. */
  | { readonly do: 'commit' | 'save'; readonly owner: number; readonly answer: Answer }

/** Why an owner ended. `fault`: it blames itself, which must not happen. */
export type Ending = 'fenced' | 'in-doubt' | 'save-failed' | 'crashed' | 'fault'
type Result = { readonly state: State; readonly ending?: Ending }

/** What the protocol rests on. Without one of them the model goes wrong, which shows what it is there for. */
export const rules = {
  'events and offset are one commit': true,
  'a commit checks the epoch': true,
  'the store checks epoch and offset': true,
  'a cut is confirmed by the lease': true,
  'a fault is confirmed by the lease': true,
  'the tail is marked changed': true,
  'a failed save ends its owner': true,
}
export type Rules = { readonly [rule in keyof typeof rules]: boolean }

const next = {
  out: 'fence',
  fenced: 'takeOver',
  taken: 'readEnd',
  restoring: 'load',
  loading: 'load',
  cutting: 'cut',
  confirming: 'confirm',
  blaming: 'confirm',
  waiting: 'wake',
} as const

const nothing: Held = { sequence: 0, commands: [] }
const empty: Memory = { root: nothing, even: nothing, odd: nothing }
const beginning: Position = { events: 0, commands: undefined }
const out: Owner = {
  at: 'out',
  logEpoch: 0,
  storeEpoch: 0,
  committed: 0,
  saved: beginning,
  end: 0,
  memory: undefined,
  changed: [],
  isAhead: false,
  isSaving: false,
  failure: undefined,
}

export function begin(owners: number): State {
  return {
    log: { epoch: 0, commands: 0, committed: 0, events: [], end: 0 },
    store: { epoch: 0, progress: beginning, rows: empty },
    owners: Array.from({ length: owners }, () => out),
    saves: [],
  }
}

export function enabled({ owners, saves }: State): readonly Action[] {
  const answers = ['heard', 'lost', 'failed'] as const
  return [
    { do: 'send' },
    ...owners.flatMap(({ at }, owner): Action[] => [
      ...(at === 'running'
        ? answers.map((answer) => ({ do: 'commit', owner, answer }) as const)
        : [{ do: next[at], owner } as const]),
      ...(at === 'out' ? [] : [{ do: 'crash', owner } as const]),
      ...(saves.some((save) => save.owner === owner)
        ? answers.map((answer) => ({ do: 'save', owner, answer }) as const)
        : []),
    ]),
  ]
}

/** The state after an action, and why its owner ended if it did. */
export function apply(state: State, action: Action, by: Rules = rules): Result {
  const { log, store } = state
  if (action.do === 'send')
    return { state: { ...state, log: { ...log, commands: log.commands + 1 } } }
  const owner = state.owners[action.owner] ?? out
  const isReplaced = owner.logEpoch !== log.epoch
  const goOn = (after: Owner | Ending, rest: Partial<State> = {}): Result =>
    typeof after === 'string'
      ? { state: ended({ ...state, ...rest }, action.owner), ending: after }
      : { state: { ...state, ...rest, owners: state.owners.with(action.owner, after) } }
  switch (action.do) {
    case 'fence': {
      const epoch = log.epoch + 1
      const after: Owner = { ...out, at: 'fenced', logEpoch: epoch, committed: log.committed }
      return goOn(after, { log: { ...log, epoch } })
    }
    case 'takeOver': {
      const epoch = store.epoch + 1
      // An offset behind the one that a checkpoint has seen is lost, or a newer owner has moved it.
      const at = (store.progress.commands ?? 0) > owner.committed ? 'blaming' : 'taken'
      const after: Owner = { ...owner, at, storeEpoch: epoch, saved: store.progress }
      return goOn(after, { store: { ...store, epoch } })
    }
    case 'readEnd': {
      const after = { ...owner, end: log.end }
      const hasTail = tailOf(log, after).length > 0
      return goOn(hasTail ? { ...after, at: 'restoring' } : onward(log, after, by))
    }
    case 'load':
      return goOn(loaded(state, owner, by))
    case 'commit': {
      if (isReplaced && by['a commit checks the epoch']) return goOn('fenced')
      const after = committed(owner, log)
      const event = eventOf(owner, log)
      if (action.answer === 'failed') return goOn('in-doubt', { log: { ...log, end: log.end + 1 } })
      const events = { ...log, events: [...log.events, event], end: log.end + 1 }
      const both = { ...events, committed: owner.committed + 1 }
      if (action.answer === 'heard') return goOn(after, { log: both })
      return goOn('in-doubt', { log: by['events and offset are one commit'] ? both : events })
    }
    case 'cut': {
      const isBehind = log.end !== owner.saved.events || owner.committed !== owner.saved.commands
      return goOn({ ...owner, at: isBehind ? 'confirming' : 'waiting', end: log.end })
    }
    case 'confirm': {
      const asks =
        owner.at === 'blaming'
          ? 'a fault is confirmed by the lease'
          : 'a cut is confirmed by the lease'
      if (isReplaced && by[asks]) return goOn('fenced')
      if (owner.at === 'blaming') return goOn('fault')
      const failure = failureOf(owner, by)
      if (failure !== undefined) return goOn(failure)
      const saving: Owner = {
        ...owner,
        at: 'waiting',
        changed: [],
        isSaving: true,
        failure: undefined,
      }
      const saves = [...state.saves, saveOf(action.owner, owner)]
      return goOn(owner.isAhead ? running(log, saving) : saving, { saves })
    }
    case 'wake':
      return goOn(onward(log, owner, by))
    case 'save':
      return { state: saved(state, action, by) }
    case 'crash':
      return goOn('crashed')
  }
}

/** The loop looks for the next command, and rests where there is none. */
function onward(log: State['log'], owner: Owner, by: Rules): Owner | Ending {
  const hasCommand = log.commands > owner.committed
  if (hasCommand && owner.memory === undefined) return { ...owner, at: 'loading' }
  const failure = failureOf(owner, by)
  if (failure !== undefined) return failure
  if (hasCommand) return running(log, owner)
  return { ...owner, at: owner.isSaving ? 'waiting' : 'cutting', isAhead: false }
}

function running(log: State['log'], owner: Owner): Owner {
  return { ...owner, at: 'running', isAhead: log.commands > owner.committed + 1 }
}

function failureOf({ failure }: Owner, by: Rules): Ending | undefined {
  return by['a failed save ends its owner'] ? failure : undefined
}

/** What is stored, and behind it the tail up to the end that was read. */
function loaded({ log, store }: State, owner: Owner, by: Rules): Owner | Ending {
  if (owner.at === 'loading') return onward(log, { ...owner, memory: store.rows }, by)
  let memory = store.rows
  const changed = new Set<StateName>()
  for (const event of tailOf(log, owner)) {
    // Rows of a newer owner do not fit the tail of this one.
    if (event.sequence !== memory.root.sequence + 1) return { ...owner, at: 'blaming' }
    memory = fold(memory, event)
    changed.add('root').add(partOf(event))
  }
  // Events, and a group that never committed.
  if (owner.committed === 0) return { ...owner, at: 'blaming' }
  const kept = by['the tail is marked changed'] ? [...changed] : []
  return onward(log, { ...owner, memory, changed: kept }, by)
}

function committed(owner: Owner, log: State['log']): Owner {
  const event = eventOf(owner, log)
  const after = {
    ...owner,
    committed: owner.committed + 1,
    memory: fold(owner.memory ?? empty, event),
    changed: [...new Set([...owner.changed, 'root', partOf(event)] as const)],
  }
  if (!owner.isSaving) return { ...after, at: 'cutting' }
  return owner.isAhead ? running(log, after) : { ...after, at: 'waiting' }
}

function eventOf({ committed, memory }: Owner, { end }: State['log']): Event {
  return { offset: end, command: committed, sequence: (memory ?? empty).root.sequence + 1 }
}

function tailOf({ events }: State['log'], { saved, end }: Owner): readonly Event[] {
  return events.filter(({ offset }) => offset >= saved.events && offset < end)
}

function ended(state: State, index: number): State {
  const saves = state.saves.map((save) =>
    save.owner === index ? { ...save, isAwaited: false } : save,
  )
  return { ...state, saves, owners: state.owners.with(index, out) }
}

function saveOf(
  owner: number,
  { memory, changed, storeEpoch, saved, end, committed }: Owner,
): Save {
  const rows = Object.fromEntries(changed.map((name) => [name, (memory ?? empty)[name]]))
  const to = { events: end, commands: committed }
  return { owner, isAwaited: true, epoch: storeEpoch, from: saved.events, to, rows }
}

function saved(
  state: State,
  { owner: index, answer }: { readonly owner: number; readonly answer: Answer },
  by: Rules,
): State {
  const save = state.saves.find(({ owner }) => owner === index)
  if (save === undefined) return state
  const { store } = state
  const saves = state.saves.filter((other) => other !== save)
  const isNewest = store.epoch === save.epoch && store.progress.events === save.from
  const isTaken = answer !== 'failed' && (isNewest || !by['the store checks epoch and offset'])
  const after = isTaken
    ? { ...store, rows: { ...store.rows, ...save.rows }, progress: save.to }
    : store
  if (!save.isAwaited) return { ...state, saves, store: after }
  const owner = { ...(state.owners[index] ?? out), isSaving: false }
  const heard: Owner =
    answer === 'heard' && isTaken
      ? { ...owner, saved: save.to }
      : { ...owner, failure: answer === 'heard' ? 'fenced' : 'save-failed' }
  return { ...state, saves, store: after, owners: state.owners.with(index, heard) }
}

function fold(memory: Memory, { command, sequence }: Event): Memory {
  const folded = ({ commands }: Held): Held => ({ sequence, commands: [...commands, command] })
  const part = partOf({ command })
  return { ...memory, root: folded(memory.root), [part]: folded(memory[part]) }
}

export function partOf({ command }: Pick<Event, 'command'>): 'even' | 'odd' {
  return command % 2 === 0 ? 'even' : 'odd'
}
