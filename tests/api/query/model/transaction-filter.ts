import fc from 'fast-check'
import type { ListedTransaction } from './transactions.ts'
import { idsOf, times, type Ledger, type Question } from './ledger.ts'

type Query = NonNullable<Question['query']>

const amounts = ['-1000000000000.00', '-30.5', '-12', '-1.255', '0', '0.0001', '9.99', '25']
const dates = ['1970-01-01', '2025-12-20', '2026-02-01', '2026-02-14', '2026-03-14', '2027-12-31']
/** Parts of words, signs that mean something in a pattern, and letters that ASCII does not have. */
const searches = ['REMA', 'rema 10', 'shop 😀', 'KJØTT', '%', '_', '\\', '100% øko', 'arket', 'n o']

const limits = fc.integer({ min: 1, max: 7 }).map(String)
const page = fc.integer({ min: 1, max: 4 }).map(String)

/** Each filter alone, and some together; the rest of a list is asked for by its cursors, or a page by its number. */
export function filters(ledger: Ledger): readonly fc.Arbitrary<Question>[] {
  const conditions = {
    account_id: fc.constantFrom(...idsOf(ledger, 'account')),
    category: fc.constantFrom('groceries', 'health', 'travel', 'c-1', 'uncategorized', 'c-9'),
    dates: between('from_date', 'to_date', dates),
    amounts: between('min_amount', 'max_amount', amounts),
    needs_review: fc.constantFrom('true', 'false'),
    q: fc.constantFrom(...searches),
  }
  const alone = Object.entries(conditions).map(([name, value]) =>
    fc.tuple(fc.record({ [name]: value }), fc.record({ limit: limits })),
  )
  const together = fc.tuple(
    fc.record(conditions, { requiredKeys: [] }),
    fc.record({ limit: limits, page }, { requiredKeys: [] }),
  )
  return [...alone, ...alone, ...times(8, together)].map((parts) => parts.map(questionOf))
}

type Condition = string | Query

function questionOf([conditions, rest]: [Readonly<Record<string, Condition>>, Query]): Question {
  const queries = Object.entries(conditions).map(([name, value]) =>
    typeof value === 'string' ? { [name]: value } : value,
  )
  return { query: Object.assign({}, ...queries, rest) as Query }
}

/** One of the two, or both in their order. */
function between(first: string, last: string, ascending: readonly string[]): fc.Arbitrary<Query> {
  const place = fc.nat(ascending.length - 1)
  return fc.tuple(place, place, fc.constantFrom('first', 'last', 'both')).map(([a, b, which]) => {
    const [from = '', to = ''] = [ascending[Math.min(a, b)], ascending[Math.max(a, b)]]
    if (which === 'both') return { [first]: from, [last]: to }
    return which === 'first' ? { [first]: from } : { [last]: to }
  })
}

export function passes(one: ListedTransaction, query: Query): boolean {
  const { account_id: accountId, category, from_date: from, to_date: to } = query
  const { min_amount: min, max_amount: max, needs_review: review, q } = query
  const categories = one.parts.length === 0 ? [one] : one.parts
  const texts = [one.description, one.merchant, one.counterparty, one.note]
  const says = (word: string): boolean =>
    texts.some((text) => text?.toLowerCase().includes(word.toLowerCase()) === true)
  return [
    accountId === undefined || one.accountId === accountId,
    category === undefined || categories.some(({ categoryId }) => categoryId === category),
    from === undefined || one.bookedOn >= from,
    to === undefined || one.bookedOn <= to,
    min === undefined || scaled(one.amount) >= scaled(min),
    max === undefined || scaled(one.amount) <= scaled(max),
    review === undefined || String(one.needsReview) === review,
    q === undefined || q.split(' ').every(says),
  ].every(Boolean)
}

/** In ten-thousandths, which every decimal of a question and of a currency is a number of. */
function scaled(decimal: string): bigint {
  const [whole = '', decimals = ''] = decimal.split('.')
  return BigInt(`${whole}${decimals.padEnd(4, '0')}`)
}
