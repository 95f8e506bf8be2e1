/**
 * Rules by example: `given(…commands).when(command).expectRejected(code)`. The real answer and the real states, with
 * events encoded by the real codec; only the sealing is transparent, because rules never see a key.
 *
 * Invariant: a command travels through bytes before it is answered, as it does in the log.
 */
import { createHash, hash } from 'node:crypto'
import { expect } from 'vitest'
import { answer, type Answer, type PreparedCommand, type Sealer } from '../../actors/answer.ts'
import { candidatesOf } from '../../actors/categoriser/candidates.ts'
import { addressOf, creates, type StateType } from '../../actors/ledger.ts'
import { LedgerStates, type Held, type StateOf } from '../../actors/ledger-states.ts'
import type { Rule } from '../../actors/rules.ts'
import {
  commandCodec,
  commandContent,
  eventCodec,
  personalCodec,
  WIRE_PREFIX_BYTES,
} from '../../schemas/codec.ts'
import type { OpenedEvent } from '../../schemas/opened-event.ts'
import type {
  InitiatorKind,
  LedgerCommand,
  LedgerCommandBody,
  LedgerEventBody,
  Outcome,
  Personal,
} from '../../schemas/types.ts'

/** Log time of a command that says nothing else: 2026-03-14 12:00 UTC. */
export const NOW = Date.UTC(2026, 2, 14, 12)
export const USER_ID = 'user-1'

/** Seals nothing and hashes without a key. */
export const transparentSealer: Sealer = {
  readable: true,
  contentHash: (body) => createHash('sha256').update(commandContent(body)).digest().subarray(0, 16),
  encode(event) {
    const { personal } = event
    if (personal === 'not-readable') throw new Error('a new event is readable')
    const value = eventCodec.encode({
      ...event,
      personal: personal === null ? null : personalCodec.encode(personal),
    })
    return { value, hash: hashOf(value) }
  },
}

/** What the next event of the ledger carries as `previousHash`. */
export function hashOf(value: Buffer): Buffer {
  return hash('sha256', value.subarray(WIRE_PREFIX_BYTES), 'buffer')
}

export function opened(value: Buffer): OpenedEvent {
  const event = eventCodec.decode(value)
  return {
    ...event,
    personal: event.personal === null ? null : personalCodec.decode(event.personal),
  }
}

export function prepared(sent: LedgerCommand, offset: number, recordedAt: number): PreparedCommand {
  const command = commandCodec.decode(commandCodec.encode(sent))
  const { body } = command
  const described = body.type === 'RecordTransaction' ? body : NOTHING_DESCRIBED
  return {
    command,
    partition: 0,
    offset: BigInt(offset),
    recordedAt,
    candidates: candidatesOf(described),
  }
}

const NOTHING_DESCRIBED = { description: null, merchant: null, amountMinor: -1n, mcc: null }

/** One state of a ledger by name, as `states` lists them. */
export type NamedState<T extends StateType = StateType> = {
  readonly type: T
  readonly id: string
  readonly held: Held<T>
}

/** Every state that an event was folded into, in an order that does not depend on the order of creation. */
export function states(ledger: LedgerStates): readonly NamedState[] {
  return [
    ledger.root,
    ledger.profile,
    ...ledger.accounts.values(),
    ...ledger.categories.values(),
    ...ledger.budgets.values(),
    ...ledger.transactions.values(),
  ]
    .filter(({ held }) => held.sequence > 0)
    .map(({ type, id, held }) => ({ type, id, held }))
    .sort((a, b) => (`${a.type} ${a.id}` < `${b.type} ${b.id}` ? -1 : 1))
}

/** A ledger rebuilt from nothing but the bytes of its events. */
export function folded(userId: string, events: readonly Buffer[]): LedgerStates {
  const ledger = new LedgerStates(userId)
  for (const value of events) ledger.fold(opened(value), hashOf(value))
  return ledger
}

/** The same states in another ledger: what is folded into one does not show in the other. */
function forkOf(ledger: LedgerStates): LedgerStates {
  const fork = new LedgerStates(ledger.userId)
  for (const { type, id, held } of states(ledger)) fork.cell(type, id).held = held
  return fork
}

/** What a producer may say beside the wish itself. */
export type Envelope = {
  readonly commandId?: string
  readonly expectedVersion?: number | null
  readonly recordedAt?: number
  /** False: the subject's key was shredded. */
  readonly readable?: boolean
  /** The user, unless it says so. */
  readonly initiator?: InitiatorKind
}
type Sent = Envelope & { readonly body: LedgerCommandBody }
export type Given = LedgerCommandBody | Sent

export function sent(body: LedgerCommandBody, envelope: Envelope = {}): Sent {
  return { ...envelope, body }
}

/** The `n`th command id: a uuid that a reader can tell from another. */
export function commandIdOf(n: number): string {
  return `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
}

export function commandOf(
  { body, commandId, expectedVersion, initiator = 'user' }: Sent,
  n: number,
): LedgerCommand {
  return {
    commandId: commandId ?? commandIdOf(n),
    userId: USER_ID,
    issuedAt: NOW,
    expectedVersion: expectedVersion ?? null,
    initiator: { kind: initiator, id: USER_ID },
    traceparent: null,
    body,
  }
}

/** A history: every command of it is accepted, or the example is wrong. Each `when` starts from it anew. */
export function given(...history: readonly Given[]): {
  when(body: LedgerCommandBody, envelope?: Envelope): Example
} {
  const ledger = new LedgerStates(USER_ID)
  const originals: { readonly command: LedgerCommand; readonly outcome: Outcome }[] = []
  for (const [n, each] of history.entries()) {
    const one = 'body' in each ? each : { body: each }
    const command = commandOf(one, n)
    const { outcome } = answer(
      ledger,
      prepared(command, n, one.recordedAt ?? NOW),
      transparentSealer,
    )
    if (outcome.verdict !== 'accepted')
      throw new Error(`given command ${n} was ${outcome.verdict}: ${outcome.code}`)
    originals.push({ command, outcome })
  }
  return {
    when(body, envelope = {}) {
      const command = commandOf(sent(body, envelope), history.length)
      const fork = forkOf(ledger)
      const before = states(fork)
      const sealer = { ...transparentSealer, readable: envelope.readable ?? true }
      const recordedAt = envelope.recordedAt ?? NOW
      const result = answer(fork, prepared(command, history.length, recordedAt), sealer)
      const original = originals.find((one) => isSame(one.command, command))?.outcome
      return new Example(fork, before, result, original)
    },
  }
}

/** Creations are recognised by what they create, other commands by their id. */
function isSame(earlier: LedgerCommand, later: LedgerCommand): boolean {
  if (!creates(later.body)) return earlier.commandId === later.commandId
  const [a, b] = [addressOf(earlier.body), addressOf(later.body)]
  return creates(earlier.body) && a.type === b.type && a.id === b.id
}

type ExpectedEvent = Partial<LedgerEventBody> & {
  readonly type: LedgerEventBody['type']
}

export class Example {
  readonly ledger: LedgerStates
  readonly answer: Answer
  readonly #before: readonly NamedState[]
  readonly #original: Outcome | undefined

  constructor(
    ledger: LedgerStates,
    before: readonly NamedState[],
    result: Answer,
    original: Outcome | undefined,
  ) {
    this.ledger = ledger
    this.answer = result
    this.#before = before
    this.#original = original
  }

  /** The rule, the field it is about, and nothing left behind. */
  expectRejected(code: Rule, path?: string): this {
    const { outcome } = this.answer
    expect(outcome).toMatchObject({ verdict: 'rejected', code, eventIds: [], firstSequence: null })
    if (path !== undefined) expect(outcome.path).toBe(path)
    expect(outcome.sentence).not.toBe('')
    this.#expectNothing()
    return this
  }

  /** The original result again, and nothing left behind. */
  expectDuplicate(): this {
    if (this.#original === undefined) throw new Error('the history holds no original')
    const { version, eventIds, firstSequence, aggregateType, aggregateId } = this.#original
    expect(this.answer.outcome).toMatchObject({
      verdict: 'duplicate',
      version,
      eventIds,
      firstSequence,
      aggregateType,
      aggregateId,
      code: null,
    })
    this.#expectNothing()
    return this
  }

  /** One event with these fields, and an outcome that names it. */
  expectEvent(body: ExpectedEvent, personal?: Partial<Personal> | null): this {
    const { outcome, events } = this.answer
    expect(outcome).toMatchObject({ verdict: 'accepted', code: null })
    expect(events).toHaveLength(1)
    const event = this.event()
    expect(event.body).toMatchObject(body)
    if (personal === null) expect(event.personal).toBeNull()
    else if (personal !== undefined) expect(event.personal).toMatchObject(personal)
    expect(outcome).toMatchObject({
      eventIds: [event.eventId],
      firstSequence: event.sequence,
      version: event.version,
      aggregateType: event.aggregateType,
      aggregateId: event.aggregateId,
    })
    return this
  }

  /** These events in this order, and an outcome that names them and the version of what was addressed. */
  expectEvents(...bodies: readonly ExpectedEvent[]): this {
    const { outcome, events } = this.answer
    expect(outcome).toMatchObject({ verdict: 'accepted', code: null })
    const all = events.map(opened)
    expect(all.map(({ body }) => body)).toMatchObject(bodies)
    const owners = all.filter(({ aggregateId }) => aggregateId === outcome.aggregateId)
    expect(outcome).toMatchObject({
      eventIds: all.map(({ eventId }) => eventId),
      firstSequence: all[0]?.sequence,
      version: owners.at(-1)?.version,
    })
    return this
  }

  /** A state after the command. */
  expectState<T extends StateType>(type: T, id: string, state: Partial<StateOf[T]>): this {
    expect(this.ledger.cell(type, id).held.state).toMatchObject(state)
    return this
  }

  event(): OpenedEvent {
    const [value] = this.answer.events
    if (value === undefined) throw new Error(`no event: ${this.answer.outcome.code}`)
    return opened(value)
  }

  #expectNothing(): void {
    expect(this.answer.events).toEqual([])
    expect(this.answer.touched).toEqual([])
    expect(states(this.ledger)).toEqual(this.#before)
  }
}
