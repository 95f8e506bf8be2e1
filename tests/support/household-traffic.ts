import { mixed, seededId, type Random } from '../../connectors/demo/random.ts'

/** Commands as `saldo send` reads them, of many users who do everything at once: right, wrong and twice. */
export type Traffic = { readonly commandId: string; readonly userId: string; readonly body: Body }

export type Body =
  | { readonly type: 'OpenAccount'; accountId: string; kind: 'checking'; currency: string }
  | {
      readonly type: 'RecordTransaction'
      transactionId: string
      accountId: string
      amountMinor: string
      currency: string
      occurredAt: string
      description: string
    }
  | { readonly type: 'AmendTransaction'; transactionId: string; amountMinor: string }
  | { readonly type: 'DeleteTransaction'; transactionId: string }
  | { readonly type: 'OverrideCategory'; transactionId: string; categoryId: string }
  | { readonly type: 'CreateCategory'; categoryId: string; name: string }
  | { readonly type: 'DeleteCategory'; categoryId: string }

/** Few enough that every repeated id is still remembered: the engine keeps 256 per user. */
const COMMANDS_PER_USER = 150
/** With a user who sends more than the engine remembers, only as many as it surely does. */
const REMEMBERED = 100
const CURRENCIES = ['NOK', 'TZS'] as const
const WORDS = ['REMA 1000 OSLO', 'Netflix.com', 'corner shop', 'DUKA LA DAWA', 'bus 31', 'wages']

/** With `hot` one user sends that share of them all; whoever sends so many repeats none that is forgotten. */
export function householdTraffic(count: number, random: Random, hot = 0): readonly Traffic[] {
  const idSeed = random.whole(0, 2 ** 31)
  const users = Math.ceil(count / COMMANDS_PER_USER)
  const sent = new Map<number, Traffic[]>()
  return Array.from({ length: count }, (_, index) => {
    const user = hot > 0 && random.chance(hot) ? 1 : random.whole(1, users)
    const before = sent.get(user) ?? []
    sent.set(user, before)
    const command =
      before.length > 2 && random.chance(0.08)
        ? random.pick(hot > 0 ? before.slice(-REMEMBERED) : before)
        : {
            commandId: seededId(idSeed, 0, index),
            userId: `user-${mixed(user).toString(16)}`,
            body: bodyOf(index, before.length, random),
          }
    before.push(command)
    return command
  })
}

/** `known` is about how many commands the user has sent: ids go from 0 to a part of it, so most exist and some do not. */
function bodyOf(index: number, known: number, random: Random): Body {
  if (known < CURRENCIES.length) return open(known, CURRENCIES[known] ?? 'NOK')
  const transactionId = `t-${random.whole(0, known)}`
  const categoryId = `c-${random.whole(0, 3)}`
  const dice = random.whole(1, 100)
  if (dice <= 70) return record(index, known, random)
  if (dice <= 80) {
    return { type: 'AmendTransaction', transactionId, amountMinor: amount(random) }
  }
  if (dice <= 86) return { type: 'DeleteTransaction', transactionId }
  if (dice <= 91) return { type: 'OverrideCategory', transactionId, categoryId }
  if (dice <= 93) return { type: 'OverrideCategory', transactionId, categoryId: 'groceries' }
  if (dice <= 97) return { type: 'CreateCategory', categoryId, name: `own ${categoryId}` }
  if (dice <= 99) return { type: 'DeleteCategory', categoryId }
  return open(random.whole(0, 2), random.pick(CURRENCIES))
}

function open(number: number, currency: string): Body {
  return { type: 'OpenAccount', accountId: `a-${number}`, kind: 'checking', currency }
}

function record(index: number, known: number, random: Random): Body {
  const account = random.whole(0, CURRENCIES.length - 1)
  const wrong = random.whole(1, 100)
  return {
    type: 'RecordTransaction',
    // Now and then an id that is taken by something else.
    transactionId: `t-${wrong <= 3 ? random.whole(0, known) : known}`,
    accountId: wrong === 4 ? 'a-9' : `a-${account}`,
    amountMinor: wrong === 5 ? '0' : amount(random),
    currency: wrong === 6 ? 'JPY' : (CURRENCIES[account] ?? 'NOK'),
    occurredAt: new Date(Date.UTC(2026, 0, 1) + index * 60_000).toISOString(),
    description: random.pick(WORDS),
  }
}

function amount(random: Random): string {
  return String(random.whole(1, 4) === 1 ? random.whole(1, 5_000_000) : -random.skewed(1, 90_000))
}
