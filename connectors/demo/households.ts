/**
 * Households to look at before a bank is connected, alternately Norwegian and Tanzanian.
 *
 * Invariant: pure. The same request gives the same items, byte for byte; the caller brings the
 * date, so nothing here reads a clock.
 */
import { calendar, DAY_MS, dayNumber, isDueOn, isoDate } from './calendar.ts'
import type { AccountName, Country } from './country.ts'
import { norway } from './norway.ts'
import { mixed, seededId, seededRandom } from './random.ts'
import type { Random } from './random.ts'
import { tanzania } from './tanzania.ts'

export type DemoRequest = {
  readonly seed: number
  /** The last day that has transactions, as an ISO date. */
  readonly endOn: string
  readonly households?: number
  readonly days?: number
}

type Dated = { readonly userId: string; readonly occurredAt: number }

export type DemoPreferences = Dated & {
  readonly kind: 'preferences'
  readonly baseCurrency: string
  readonly timeZone: string
  readonly locale: string
}

export type DemoAccount = Dated & {
  readonly kind: 'open-account'
  readonly accountId: string
  readonly accountKind: AccountName
  readonly currency: string
  readonly name: string
}

/** For every month. */
export type DemoBudget = Dated & {
  readonly kind: 'set-budget'
  readonly budgetId: string
  readonly categoryId: string
  readonly amountMinor: bigint
  readonly currency: string
}

export type DemoTransaction = Dated & {
  readonly kind: 'transaction'
  readonly transactionId: string
  readonly accountId: string
  /** Signed: spending is negative. */
  readonly amountMinor: bigint
  readonly currency: string
  readonly description: string
  readonly bookedOn: string
}

export type DemoItem = DemoPreferences | DemoAccount | DemoBudget | DemoTransaction

const HOUR_MS = 3_600_000
// Daytime in UTC is the same calendar day in both time zones, so no zone table is needed.
const OPENED_HOUR = 5
const FIRST_HOUR = 6
const LAST_HOUR = 20

/** One household after the other, each in the order in which things happened. */
export function* demoHouseholds(request: DemoRequest): Generator<DemoItem> {
  const { seed, endOn, households = 4, days = 365 } = request
  const endDay = dayNumber(endOn)
  for (let household = 0; household < households; household += 1) {
    const country = household % 2 === 0 ? norway : tanzania
    yield* householdItems({ seed, household, country, firstDay: endDay - days + 1, endDay })
  }
}

type Scope = {
  readonly seed: number
  readonly household: number
  readonly country: Country
  readonly firstDay: number
  readonly endDay: number
}

function* householdItems(scope: Scope): Generator<DemoItem> {
  const { country, firstDay, endDay } = scope
  const book = openBook(scope)
  yield* book.opened
  const usual = usualAmounts(country, book.random)
  for (let day = firstDay; day <= endDay; day += 1) {
    if (day === firstDay) payOpening(book, day)
    payIncome(book, day, usual)
    payBills(book, day, usual)
    payHabits(book, day)
    payTransfers(book, day, usual)
    yield* book.takeDay()
  }
}

type Entry = {
  readonly day: number
  readonly account: AccountName
  readonly amountMinor: bigint
  readonly description: string
  /** Some time of that day if not given. */
  readonly occurredAt?: number
}

type Book = {
  readonly country: Country
  readonly random: Random
  readonly opened: readonly DemoItem[]
  readonly enter: (entry: Entry) => void
  readonly timeOn: (day: number) => number
  readonly balanceMinor: (account: AccountName) => bigint
  /** The day's transactions in the order of their time; the next day starts empty. */
  readonly takeDay: () => readonly DemoTransaction[]
}

function openBook({ seed, household, country, firstDay }: Scope): Book {
  const random = seededRandom(mixed(seed) ^ mixed(household + 1))
  let ordinal = 0
  const nextId = () => seededId(seed, household, ordinal++)
  const userId = nextId()
  const { currency, timeZone, locale } = country
  const openedAt = firstDay * DAY_MS + OPENED_HOUR * HOUR_MS
  const accounts = country.accounts.map(({ kind, name }, index): DemoAccount => ({
    kind: 'open-account',
    userId,
    accountId: nextId(),
    accountKind: kind,
    currency,
    name,
    occurredAt: openedAt + index + 1,
  }))
  const budgets = country.budgets.map(({ categoryId, amount }, index): DemoBudget => ({
    kind: 'set-budget',
    userId,
    budgetId: nextId(),
    categoryId,
    amountMinor: BigInt(amount) * country.stepMinor,
    currency,
    occurredAt: openedAt + accounts.length + index + 1,
  }))
  const idOf = new Map(accounts.map(({ accountKind, accountId }) => [accountKind, accountId]))
  const balances = new Map<AccountName, bigint>()
  let today: DemoTransaction[] = []
  const timeOn = (day: number) =>
    day * DAY_MS + random.whole(FIRST_HOUR * HOUR_MS, LAST_HOUR * HOUR_MS - 1)
  return {
    country,
    random,
    opened: [
      {
        kind: 'preferences',
        userId,
        baseCurrency: currency,
        timeZone,
        locale,
        occurredAt: openedAt,
      },
      ...accounts,
      ...budgets,
    ],
    timeOn,
    enter({ day, account, amountMinor, description, occurredAt = timeOn(day) }) {
      const accountId = idOf.get(account)
      if (accountId === undefined) throw new Error(`no ${account} account in ${timeZone}`)
      balances.set(account, (balances.get(account) ?? 0n) + amountMinor)
      today.push({
        kind: 'transaction',
        userId,
        transactionId: nextId(),
        accountId,
        amountMinor,
        currency,
        description,
        bookedOn: isoDate(day),
        occurredAt,
      })
    },
    balanceMinor: (account) => balances.get(account) ?? 0n,
    takeDay() {
      const taken = today.toSorted((a, b) => a.occurredAt - b.occurredAt)
      today = []
      return taken
    },
  }
}

/** What stays the same from month to month in one household, in steps. */
type Usual = {
  readonly salary: number
  readonly saving: number
  readonly bills: ReadonlyMap<string, number>
}

function usualAmounts(country: Country, random: Random): Usual {
  const { salary, saving, bills } = country
  return {
    salary: random.whole(salary.from, salary.to),
    saving: random.whole(saving.from, saving.to),
    bills: new Map(bills.map((bill) => [bill.text, random.whole(bill.from, bill.to)])),
  }
}

function payOpening(book: Book, day: number): void {
  const { opening, settling, stepMinor } = book.country
  const steps = book.random.whole(opening.from, opening.to)
  // Before anything else of that day.
  const occurredAt = day * DAY_MS + OPENED_HOUR * HOUR_MS + HOUR_MS / 2
  const amountMinor = BigInt(steps) * stepMinor
  book.enter({ day, account: 'checking', amountMinor, description: opening.text, occurredAt })
  if (settling.account === 'cash') {
    const fillMinor = BigInt(settling.fill) * stepMinor
    const { text: description, account: to } = settling
    move(book, { day, to, amountMinor: fillMinor, description, occurredAt: occurredAt + 1 })
  }
}

function payIncome(book: Book, day: number, usual: Usual): void {
  const { salary, bonus, refunds, stepMinor } = book.country
  const { random } = book
  const { month } = calendar(day)
  const enter = (text: string, steps: number) =>
    book.enter({
      day,
      account: 'checking',
      amountMinor: BigInt(steps) * stepMinor,
      description: text.replace('{month}', book.country.months[month - 1] ?? ''),
    })
  if (isDueOn(day, salary.day)) {
    enter(salary.text, usual.salary)
    if (month === bonus.month) {
      enter(bonus.text, Math.floor((usual.salary * bonus.share) / 100))
    }
  }
  if (random.chance(refunds.perYear / 365)) {
    enter(
      `${book.country.refundText} ${random.pick(refunds.places)}`,
      random.skewed(refunds.from, refunds.to),
    )
  }
}

function payBills(book: Book, day: number, usual: Usual): void {
  const { bills, stepMinor } = book.country
  const { month } = calendar(day)
  for (const bill of bills) {
    if (!isDueOn(day, bill.day)) continue
    if (bill.months !== undefined && !bill.months.includes(month)) continue
    const steps = bill.varies
      ? book.random.whole(bill.from, bill.to)
      : (usual.bills.get(bill.text) ?? bill.from)
    const amountMinor = -BigInt(steps) * stepMinor
    book.enter({ day, account: bill.account, amountMinor, description: bill.text })
  }
}

function payHabits(book: Book, day: number): void {
  const { habits, stepMinor } = book.country
  const { random } = book
  const weekend = calendar(day).weekday % 6 === 0
  for (const habit of habits) {
    if (habit.workdays && weekend) continue
    const expected = habit.perWeek / (habit.workdays ? 5 : 7)
    const certain = Math.floor(expected)
    const times = certain + (random.chance(expected - certain) ? 1 : 0)
    for (let time = 0; time < times; time += 1) {
      const steps = random.skewed(habit.from, habit.to)
      const amountMinor = -BigInt(steps) * stepMinor
      const description = random.pick(habit.places)
      book.enter({ day, account: habit.account, amountMinor, description })
    }
  }
}

function payTransfers(book: Book, day: number, usual: Usual): void {
  const { saving, settling, stepMinor } = book.country
  if (isDueOn(day, saving.day)) {
    const amountMinor = BigInt(usual.saving) * stepMinor
    move(book, { day, to: 'savings', amountMinor, description: saving.text })
  }
  const { account, text } = settling
  const balanceMinor = book.balanceMinor(account)
  if (settling.account === 'cash') {
    if (balanceMinor >= BigInt(settling.below) * stepMinor) return
    const amountMinor = BigInt(settling.fill) * stepMinor
    move(book, { day, to: account, amountMinor, description: text })
  } else if (isDueOn(day, settling.day) && balanceMinor < 0n) {
    move(book, { day, to: account, amountMinor: -balanceMinor, description: text })
  }
}

function move(
  book: Book,
  entry: {
    readonly day: number
    readonly to: AccountName
    readonly amountMinor: bigint
    readonly description: string
    readonly occurredAt?: number
  },
): void {
  const { day, to, amountMinor, description, occurredAt = book.timeOn(day) } = entry
  book.enter({ day, account: 'checking', amountMinor: -amountMinor, description, occurredAt })
  book.enter({ day, account: to, amountMinor, description, occurredAt })
}
