/**
 * Judges what a run left behind, from the committed records and the stored rows alone. It shares the codecs and the
 * fold of a ledger with the engine, and nothing of the loop, the host, the checkpointer or the restore.
 */
import { hash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { LedgerStates } from '../../actors/ledger-states.ts'
import { openEvent } from '../../privacy/personal.ts'
import type { SubjectKey } from '../../privacy/subject-key.ts'
import {
  commandCodec,
  deadLetterCodec,
  eventCodec,
  outcomeCodec,
  parkedCommandCodec,
  stateCodecs,
  type Codec,
  WIRE_PREFIX_BYTES,
} from '../../schemas/codec.ts'
import { eventIdOf } from '../../schemas/ids.ts'
import type { LedgerCommandBody, LedgerEvent, Outcome } from '../../schemas/types.ts'
import type { CheckpointRow } from '../../sink/checkpoint-store.ts'
import type { StoredRecord } from '../../topology/log/log.ts'
import { openParked } from '../../topology/parked.ts'
import { fromCheckpointRow } from '../../topology/state-codec.ts'
import { states } from './specification.ts'

export type Remains = {
  readonly commands: readonly StoredRecord[]
  readonly events: readonly StoredRecord[]
  readonly outcomes: readonly StoredRecord[]
  readonly deadLetters: readonly StoredRecord[]
  readonly parked: readonly StoredRecord[]
  readonly groupOffset: bigint | undefined
  readonly checkpoint: {
    readonly eventsOffset: bigint
    readonly commandsOffset: bigint | undefined
    readonly rows: readonly CheckpointRow[]
  }
  /** Nothing of an erased ledger is stored or restored; its log stays as it is. */
  isErased(userId: string): boolean
  keyOf(userId: string): SubjectKey
}

export type Anomaly =
  | 'lost-write'
  | 'duplicate'
  | 'out-of-turn'
  | 'aborted-read'
  | 'broken-chain'
  | 'inconsistent-offsets'
  | 'wrong-checkpoint'
  | 'wrong-total'

/** One line for everything that is wrong; none for a run that kept its promises. */
export function anomaliesOf(remains: Remains): readonly `${Anomaly}: ${string}`[] {
  return [
    ...answers(remains),
    ...parkings(remains),
    ...turns(remains),
    ...chains(remains),
    ...offsets(remains),
    ...checkpoints(remains),
    ...totals(remains),
  ]
}

/** What must be the same in every run: nonces, hashes and offsets are not, nor when an erasure came in between. */
export function openedHistory({ events, outcomes, commands, keyOf, isErased }: Remains): {
  readonly events: readonly object[]
  readonly outcomes: readonly Omit<Outcome, 'commandOffset'>[]
} {
  const ordinals = new Map(commands.map(({ offset }, ordinal) => [Number(offset), ordinal]))
  return {
    events: events.flatMap(({ value }) => {
      const event = eventCodec.decode(value)
      const { previousHash: _, body, ...rest } = openEvent(keyOf(event.userId), event)
      // Offsets jump differently in every run.
      const ordinal = 'through' in body ? { through: ordinals.get(body.through) } : {}
      return isErased(event.userId) ? [] : [{ ...rest, body: { ...body, ...ordinal } }]
    }),
    outcomes: outcomes.flatMap(({ value }) => {
      const { commandOffset, ...rest } = outcomeCodec.decode(value)
      return isErased(rest.userId) ? [] : [{ ...rest, ordinal: ordinals.get(commandOffset) }]
    }),
  }
}

/** What must be the same when parked commands were sent again: what was decided of each ledger, in its order. */
export function decidedHistory({ events, outcomes, commands, keyOf, isErased }: Remains): {
  readonly [userId: string]: readonly object[]
} {
  const decided = new Map<string, object[]>()
  const add = (userId: string, what: object): void => {
    decided.set(userId, [...(decided.get(userId) ?? []), what])
  }
  const own = new Set(firstPlaces(commands).keys())
  for (const { value } of events) {
    const sealed = eventCodec.decode(value)
    if (isErased(sealed.userId) || sealed.body.type.startsWith('Ledger')) continue
    const event = openEvent(keyOf(sealed.userId), sealed)
    const { eventId: _, sequence: _s, previousHash: _h, ...rest } = event
    add(event.userId, rest)
  }
  for (const { value } of outcomes) {
    const outcome = outcomeCodec.decode(value)
    if (isErased(outcome.userId) || !isDecided(outcome)) continue
    if (!own.has(outcome.commandOffset)) continue
    const { commandOffset: _, eventIds, firstSequence: _s, ...rest } = outcome
    add(outcome.userId, { ...rest, events: eventIds.length })
  }
  return Object.fromEntries([...decided].sort(([one], [other]) => (one < other ? -1 : 1)))
}

function isDecided({ verdict, code }: Outcome): boolean {
  return verdict !== 'parked' && code !== 'parking-changed'
}

/** Where each command stood when it was sent first; none for those that only unpark. */
function firstPlaces(commands: readonly StoredRecord[]): ReadonlyMap<number, number> {
  const places = new Map<number, number>()
  for (const { offset, value } of commands) {
    const body = bodyOf(value)
    if (body?.type === 'UnparkLedger') continue
    const isAgain = body?.type === 'ResumeCommand'
    places.set(Number(offset), isAgain ? body.commandOffset : Number(offset))
  }
  return places
}

function bodyOf(value: Buffer): LedgerCommandBody | undefined {
  try {
    return commandCodec.decode(value).body
  } catch {
    // Dead letters, which have no outcome.
    return undefined
  }
}

/** The commands of a ledger are decided in their order, each once; and all that were set aside, unless it is parked. */
function* turns({ commands, events, outcomes, parked, isErased }: Remains) {
  const places = firstPlaces(commands)
  const last = new Map<string, number>()
  const decided = new Set<number>()
  for (const { value } of outcomes) {
    const outcome = outcomeCodec.decode(value)
    const place = places.get(outcome.commandOffset)
    if (place === undefined || !isDecided(outcome)) continue
    const before = last.get(outcome.userId) ?? -1
    if (place === before) yield `duplicate: command at ${place} is decided again` as const
    if (place < before)
      yield `out-of-turn: command at ${place} is decided behind ${before}` as const
    last.set(outcome.userId, Math.max(place, before))
    decided.add(place)
  }
  const isParked = new Map<string, boolean>()
  for (const { value } of events) {
    const { userId, body } = eventCodec.decode(value)
    if (body.type.startsWith('Ledger')) isParked.set(userId, body.type !== 'LedgerUnparked')
  }
  for (const { value } of parked) {
    const { userId, commandOffset } = parkedCommandCodec.decode(value)
    if (isParked.get(userId) === true || isErased(userId) || decided.has(commandOffset)) continue
    yield `lost-write: the parked command of ${commandOffset} was never decided` as const
  }
}

/** Every command record has exactly one answer; an answer names events that are there. */
function* answers({ commands, events, outcomes, deadLetters }: Remains) {
  const answered = new Map<number, number>()
  const count = (offset: number): void => {
    answered.set(offset, (answered.get(offset) ?? 0) + 1)
  }
  const decoded = outcomes.map(({ value }) => outcomeCodec.decode(value))
  for (const { commandOffset } of decoded) count(commandOffset)
  for (const { value } of deadLetters) {
    const { cause, offset } = deadLetterCodec.decode(value)
    if (cause !== 'failed') count(offset)
  }
  for (const { offset } of commands) {
    const times = answered.get(Number(offset)) ?? 0
    if (times === 0) yield `lost-write: command at ${offset} has no outcome` as const
    if (times > 1) yield `duplicate: command at ${offset} has ${times} outcomes` as const
    answered.delete(Number(offset))
  }
  for (const offset of answered.keys()) {
    yield `aborted-read: an outcome of ${offset}, where no command is` as const
  }
  const promised = decoded.flatMap((one) => (one.verdict === 'duplicate' ? [] : one.eventIds))
  const there = events.map(({ value }) => eventCodec.decode(value).eventId)
  if (!isDeepStrictEqual(promised, there)) {
    yield 'lost-write: the events are not those that the outcomes name' as const
  }
}

/** What was answered with `parked` is set aside once, in order, and opens to what was sent. */
function* parkings({ commands, outcomes, parked, keyOf }: Remains) {
  const sent = new Map(commands.map(({ offset, value }) => [Number(offset), value]))
  const promised = outcomes
    .map(({ value }) => outcomeCodec.decode(value))
    .filter(({ verdict }) => verdict === 'parked')
    .map(({ commandOffset }) => commandOffset)
  const there = parked.map(({ value }) => parkedCommandCodec.decode(value))
  const offsets = there.map(({ commandOffset }) => commandOffset)
  if (!isDeepStrictEqual(offsets, promised)) {
    yield 'lost-write: the parked commands are not those that the outcomes name' as const
  }
  for (const one of there) {
    const plain = openParked(keyOf(one.userId), one)
    if (sent.get(one.commandOffset)?.equals(plain) !== true) {
      yield `lost-write: the parked command of ${one.commandOffset} is another one` as const
    }
  }
}

/** Sequences and versions without gaps, and every event carries the hash of the one before. */
function* chains({ events }: Remains) {
  const last = new Map<string, { readonly event: LedgerEvent; readonly hash: Buffer }>()
  const versions = new Map<string, number>()
  for (const { value, offset } of events) {
    const event = eventCodec.decode(value)
    const { userId, sequence, eventId, aggregateType, aggregateId, version } = event
    const before = last.get(userId)
    if (sequence !== (before?.event.sequence ?? 0) + 1) {
      const name = sequence <= (before?.event.sequence ?? 0) ? 'duplicate' : 'lost-write'
      yield `${name}: event ${sequence} of ${userId} at ${offset}` as const
    }
    if (eventId !== eventIdOf(userId, sequence)) yield `broken-chain: id at ${offset}` as const
    if (!event.previousHash.equals(before?.hash ?? Buffer.alloc(0))) {
      yield `broken-chain: hash at ${offset}` as const
    }
    const aggregate = `${userId}/${aggregateType}/${aggregateId}`
    if (version !== (versions.get(aggregate) ?? 0) + 1) {
      yield `duplicate: version ${version} of ${aggregate} at ${offset}` as const
    }
    versions.set(aggregate, version)
    last.set(userId, { event, hash: hashOfEvent(value) })
  }
}

function* offsets({ commands, events, groupOffset, checkpoint }: Remains) {
  const lastCommand = commands.at(-1)?.offset ?? -1n
  if ((groupOffset ?? 0n) <= lastCommand) {
    yield `inconsistent-offsets: the group is at ${groupOffset}, the last command at ${lastCommand}` as const
  }
  if ((checkpoint.commandsOffset ?? 0n) > (groupOffset ?? 0n)) {
    yield 'inconsistent-offsets: the checkpoint is ahead of the group' as const
  }
  const covered = events.filter(({ offset }) => offset < checkpoint.eventsOffset).length
  const sequences = sequencesOf(events.slice(0, covered))
  for (const { userId, sequence, stateType } of checkpoint.rows) {
    if (sequence > (sequences.get(userId) ?? 0)) {
      yield `wrong-checkpoint: a ${stateType} of ${userId} is ahead of the progress` as const
    }
  }
}

/** What is stored, and the events behind it, give what all events give. */
function* checkpoints({ events, checkpoint, keyOf, isErased }: Remains) {
  for (const userId of sequencesOf(events).keys()) {
    if (isErased(userId)) continue
    const whole = new LedgerStates(userId)
    const restored = new LedgerStates(userId)
    for (const row of checkpoint.rows) {
      if (row.userId !== userId) continue
      const { type, id, held } = fromCheckpointRow(keyOf(userId), row)
      restored.install(type, id, held)
    }
    try {
      for (const { value, offset } of events) {
        const sealed = eventCodec.decode(value)
        if (sealed.userId !== userId) continue
        const event = openEvent(keyOf(userId), sealed)
        whole.fold(event, hashOfEvent(value))
        if (offset >= checkpoint.eventsOffset) restored.fold(event, hashOfEvent(value))
      }
    } catch (error) {
      yield `wrong-checkpoint: ${userId}: ${error instanceof Error ? error.message : ''}` as const
      continue
    }
    if (!isDeepStrictEqual(asStored(restored), asStored(whole))) {
      yield `wrong-checkpoint: of ${userId}` as const
    }
  }
}

/** Balances by plain addition of what the events say, against the stored accounts. */
function* totals({ events, checkpoint, keyOf, isErased }: Remains) {
  const sums = new Map<string, bigint>()
  for (const { value, offset } of events) {
    if (offset >= checkpoint.eventsOffset) break
    const { userId, body } = eventCodec.decode(value)
    const add = (accountId: string, amount: bigint): void => {
      const account = `${userId}/${accountId}`
      sums.set(account, (sums.get(account) ?? 0n) + amount)
    }
    if (body.type === 'TransactionCreated') add(body.accountId, body.amountMinor)
    if (body.type === 'TransactionDeleted') add(body.accountId, -body.before.amountMinor)
    if (body.type === 'TransactionUpdated') {
      add(body.accountId, body.after.amountMinor - body.before.amountMinor)
    }
  }
  for (const row of checkpoint.rows) {
    if (isErased(row.userId)) continue
    const { type, id, held } = fromCheckpointRow(keyOf(row.userId), row)
    if (type !== 'account' || held.state.status === 'unopened') continue
    const sum = sums.get(`${row.userId}/${id}`) ?? 0n
    if (held.state.balanceMinor !== sum) {
      yield `wrong-total: ${id} of ${row.userId} has ${held.state.balanceMinor}, not ${sum}` as const
    }
  }
}

/** Through bytes and back, so that what was loaded and what was folded are of the same make. */
function asStored(ledger: LedgerStates): readonly unknown[] {
  return states(ledger).map(({ type, id, held }) => {
    const codec = stateCodecs[type] as Codec<unknown>
    return { ...held, type, id, state: codec.decode(codec.encode(held.state)) }
  })
}

function sequencesOf(events: readonly StoredRecord[]): ReadonlyMap<string, number> {
  const sequences = new Map<string, number>()
  for (const { value } of events) {
    const { userId, sequence } = eventCodec.decode(value)
    sequences.set(userId, sequence)
  }
  return sequences
}

function hashOfEvent(value: Buffer): Buffer {
  return hash('sha256', value.subarray(WIRE_PREFIX_BYTES), 'buffer')
}
