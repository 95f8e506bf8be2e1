/**
 * Goal: what holds for one command holds for any sequence of them.
 * Method: random histories of a few users that get in each other's way, answered one by one by the real rules; every
 * claim is checked after every command or at the end. Catches: a balance that forgets an amendment, a version raised
 * twice, a state changed by a rejection, an evolve that reads what the event does not carry.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { answer, type Answer } from '../../actors/answer.ts'
import { isBuiltIn } from '../../schemas/built-in-categories.ts'
import { LedgerStates } from '../../actors/ledger-states.ts'
import { stateCodecs } from '../../schemas/codec.ts'
import type { OpenedEvent } from '../../schemas/opened-event.ts'
import type { LedgerCommand, TransactionState } from '../../schemas/types.ts'
import { arbitraryHistory, COMMANDS_AT } from '../support/arbitrary-commands.ts'
import {
  folded,
  hashOf,
  opened,
  prepared,
  states,
  transparentSealer,
  type NamedState,
} from '../support/specification.ts'

const RUNS = 60
const COMMANDS_MAX = 120

type Run = {
  readonly ledgers: ReadonlyMap<string, LedgerStates>
  readonly events: ReadonlyMap<string, readonly Buffer[]>
  readonly answers: readonly Answer[]
}

type Observer = (step: {
  readonly ledger: LedgerStates
  readonly before: readonly NamedState[]
  readonly answer: Answer
}) => void

function run(commands: readonly LedgerCommand[], observe?: Observer): Run {
  const ledgers = new Map<string, LedgerStates>()
  const events = new Map<string, Buffer[]>()
  const answers = commands.map((command, offset) => {
    const { userId } = command
    const ledger = ledgers.getOrInsertComputed(userId, (id) => new LedgerStates(id))
    const before = observe === undefined ? [] : states(ledger)
    const result = answer(
      ledger,
      prepared(command, offset, COMMANDS_AT + offset),
      transparentSealer,
    )
    events.getOrInsertComputed(userId, () => []).push(...result.events)
    observe?.({ ledger, before, answer: result })
    return result
  })
  return { ledgers, events, answers }
}

function holds(claim: (commands: readonly LedgerCommand[]) => void): void {
  fc.assert(fc.property(arbitraryHistory(COMMANDS_MAX), claim), { numRuns: RUNS })
}

/** Throws on every change of a value in place; the bytes of a Buffer cannot be frozen. */
function frozen(value: unknown): void {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return
  Object.freeze(value)
  for (const inner of Object.values(value)) frozen(inner)
}

function eventsOf(one: Run): readonly (readonly [LedgerStates, readonly OpenedEvent[]])[] {
  return [...one.ledgers].map(([userId, ledger]) => [
    ledger,
    (one.events.get(userId) ?? []).map(opened),
  ])
}

describe('after any sequence of commands', () => {
  test('sequence is gapless per ledger and version per aggregate', () => {
    holds((commands) => {
      for (const [ledger, events] of eventsOf(run(commands))) {
        expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, n) => n + 1))
        expect(new Set(events.map(({ eventId }) => eventId)).size).toBe(events.length)
        const byAggregate = Map.groupBy(
          events,
          (event) => `${event.aggregateType} ${event.aggregateId}`,
        )
        for (const own of byAggregate.values())
          expect(own.map(({ version }) => version)).toEqual(own.map((_, n) => n + 1))
        expect(ledger.root.held.sequence).toBe(events.length)
      }
    })
  })

  test('the hash chain is unbroken from the first event', () => {
    holds((commands) => {
      for (const values of run(commands).events.values()) {
        let last: Buffer = Buffer.alloc(0)
        for (const value of values) {
          expect(opened(value).previousHash.equals(last)).toBe(true)
          last = hashOf(value)
        }
      }
    })
  })

  test('balance, count and usage are those of the transactions that live', () => {
    holds((commands) => {
      for (const ledger of run(commands).ledgers.values()) {
        const live = [...ledger.transactions.values()]
          .map(({ held }) => held.state)
          .filter((state): state is TransactionState => state.status === 'recorded')
        for (const [id, { held }] of ledger.accounts) {
          if (held.state.status === 'unopened') continue
          const own = live.filter(({ accountId }) => accountId === id)
          expect(held.state.transactionCount).toBe(own.length)
          expect(held.state.balanceMinor).toBe(
            own.reduce((sum, { booking }) => sum + booking.amountMinor, 0n),
          )
        }
        const uses = live.flatMap(({ booking }) => [booking, ...booking.parts])
        const counts = Map.groupBy(uses, ({ categoryId }) => categoryId)
        const expected = [...counts]
          .filter(([categoryId]) => !isBuiltIn(categoryId))
          .map(([categoryId, own]) => [categoryId, own.length])
        expect(ledger.root.held.state.usage).toEqual(Object.fromEntries(expected))
      }
    })
  })

  test('a transaction has the currency of its account, and a used category is active', () => {
    holds((commands) => {
      for (const ledger of run(commands).ledgers.values()) {
        for (const { held } of ledger.transactions.values()) {
          const { state } = held
          if (state.status !== 'recorded') continue
          expect(ledger.account(state.accountId)).toMatchObject({ currency: state.currency })
          for (const { categoryId } of [state.booking, ...state.booking.parts])
            if (!isBuiltIn(categoryId)) expect(ledger.category(categoryId).status).toBe('active')
        }
      }
    })
  })

  test('the parts of a split sum to its amount exactly, have its sign and no category twice', () => {
    holds((commands) => {
      for (const ledger of run(commands).ledgers.values()) {
        for (const { held } of ledger.transactions.values()) {
          if (held.state.status !== 'recorded') continue
          const { amountMinor, parts } = held.state.booking
          if (parts.length === 0) continue
          expect(parts.reduce((sum, part) => sum + part.amountMinor, 0n)).toBe(amountMinor)
          expect(parts.filter((part) => part.amountMinor > 0n !== amountMinor > 0n)).toEqual([])
          expect(new Set(parts.map(({ categoryId }) => categoryId)).size).toBe(parts.length)
        }
      }
    })
  })

  test('the sides of a transfer name each other, live together and sum to zero', () => {
    holds((commands) => {
      for (const ledger of run(commands).ledgers.values()) {
        for (const [id, { held }] of ledger.transactions) {
          const one = held.state
          if (one.status === 'absent' || one.booking.kind !== 'transfer') continue
          const other = ledger.transaction(one.linkedTransactionId ?? '')
          expect(other).toMatchObject({
            status: one.status,
            linkedTransactionId: id,
            currency: one.currency,
            booking: { amountMinor: -one.booking.amountMinor, kind: 'transfer' },
          })
        }
      }
    })
  })

  test('an expense is negative on its cash account and within its limits, whoever changed it', () => {
    let expenses = 0
    holds((commands) => {
      for (const ledger of run(commands).ledgers.values()) {
        for (const { held } of ledger.transactions.values()) {
          const { state } = held
          if (state.status !== 'recorded' || state.booking.kind !== 'expense') continue
          expenses += 1
          expect(state.accountId).toBe(`cash-${state.currency}`)
          expect(state.booking.amountMinor).toBeLessThan(0n)
          expect(state.booking.amountMinor).toBeGreaterThanOrEqual(-100_000_000n)
        }
      }
    })
    expect(expenses).toBeGreaterThan(0)
  })

  test('a category has one budget per currency and month, and a budgeted category is active', () => {
    holds((commands) => {
      for (const ledger of run(commands).ledgers.values()) {
        const plans = ledger.activeBudgets().map(({ plan }) => plan)
        const places = plans.map(({ categoryId, currency, month }) =>
          [categoryId, currency, month].join(' '),
        )
        expect(new Set(places).size).toBe(plans.length)
        for (const { categoryId } of plans)
          if (!isBuiltIn(categoryId)) expect(ledger.category(categoryId).status).toBe('active')
      }
    })
  })

  test('the same commands give the same bytes, answers and states', () => {
    holds((commands) => {
      const [one, other] = [run(commands), run(commands)]
      expect(other.answers.map(({ outcome }) => outcome)).toEqual(
        one.answers.map(({ outcome }) => outcome),
      )
      expect(other.events).toEqual(one.events)
      for (const [userId, ledger] of one.ledgers)
        expect(states(other.ledgers.get(userId) ?? ledger)).toEqual(states(ledger))
    })
  })

  test('folding the bytes of the events from the beginning gives the same states', () => {
    holds((commands) => {
      const { ledgers, events } = run(commands)
      for (const [userId, ledger] of ledgers)
        expect(states(folded(userId, events.get(userId) ?? []))).toEqual(states(ledger))
    })
  })

  test('the bytes of one user name no other', () => {
    holds((commands) => {
      for (const [ledger, events] of eventsOf(run(commands)))
        expect(events.every(({ userId }) => userId === ledger.userId)).toBe(true)
    })
  })
})

describe('with any command', () => {
  test('only an accepted one changes states, and only those it says, and none in place', () => {
    holds((commands) => {
      run(commands, ({ ledger, before, answer: { outcome, events, touched } }) => {
        const after = states(ledger)
        frozen(after)
        expect(events.length > 0).toBe(outcome.verdict === 'accepted')
        const changed = after.filter(
          ({ type, id, held }) =>
            before.find((one) => one.type === type && one.id === id)?.held !== held,
        )
        expect(changed.map(({ type, id }) => `${type} ${id}`).sort()).toEqual(
          touched.map(({ type, id }) => `${type} ${id}`).sort(),
        )
      })
    })
  })

  test('every state that it reaches goes through bytes', () => {
    holds((commands) => {
      run(commands, ({ answer: { touched } }) => {
        for (const { type, held } of touched) {
          const codec: { encode(value: never): Buffer; decode(bytes: Buffer): unknown } =
            stateCodecs[type]
          expect(codec.decode(codec.encode(held.state as never))).toEqual(held.state)
        }
      })
    })
  })

  test('an outcome never quotes a text', () => {
    holds((commands) => {
      for (const [n, { outcome }] of run(commands).answers.entries()) {
        const command = commands[n]
        const texts = ['description', 'merchant', 'note'].map(
          (field) => Object.entries(command?.body ?? {}).find(([key]) => key === field)?.[1],
        )
        for (const text of texts)
          if (typeof text === 'string' && text.length > 8)
            expect(JSON.stringify(outcome)).not.toContain(text)
      }
    })
  })
})

test('the histories reach every event and most rules', () => {
  const events = new Set<string>()
  const codes = new Set<string>()
  const histories = fc.sample(arbitraryHistory(COMMANDS_MAX), { seed: 1, numRuns: 200 })
  for (const history of histories) {
    const one = run(history)
    for (const values of one.events.values())
      for (const value of values) events.add(opened(value).body.type)
    for (const { outcome } of one.answers) codes.add(outcome.code ?? outcome.verdict)
  }
  expect([...events].sort()).toEqual([
    'AccountClosed',
    'AccountOpened',
    'AccountReconciled',
    'AccountRenamed',
    'BudgetRemoved',
    'BudgetSet',
    'CategoryCreated',
    'CategoryDeleted',
    'CategoryRenamed',
    'PreferencesChanged',
    'TransactionCategoryOverridden',
    'TransactionCreated',
    'TransactionDeleted',
    'TransactionSplit',
    'TransactionUpdated',
  ])
  expect(codes.size).toBeGreaterThanOrEqual(18)
  expect(codes).toContain('duplicate')
  expect(codes).toContain('id-taken')
  expect(codes).toContain('category-in-use')
  expect(codes).toContain('transfer-leg')
})
