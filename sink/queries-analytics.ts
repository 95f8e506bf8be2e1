import type { Statement } from './queries-connection.ts'

/** ISO dates, both inclusive; without one there is no limit. */
export type DayRange = { readonly from?: string | undefined; readonly to?: string | undefined }

export const spendingGroupings = ['category', 'merchant', 'day', 'week'] as const
export type SpendingGrouping = (typeof spendingGroupings)[number]

export type Spent = {
  readonly currency: string
  /** What was spent: positive. */
  readonly totalMinor: bigint
  /** A part of a split counts as one. */
  readonly transactionCount: number
}

export type SpendingGroup = Spent & { readonly key: string | null }

export type SpendingSums = {
  readonly totals: readonly Spent[]
  readonly groups: readonly SpendingGroup[]
}

/** More than there are currencies, each of which has a total. */
const TOTALS_MAX = 200

const keys: { readonly [grouping in SpendingGrouping]: string } = {
  category: 'category_id',
  merchant: 'merchant',
  day: `to_char(booked_on, 'YYYY-MM-DD')`,
  week: `to_char(booked_on, 'IYYY-"W"IW')`,
}

const DAYS = 'booked_on >= $2::date AND booked_on <= $3::date'

const FROM_DAYS = `daily_aggregates WHERE user_id = $1 AND ${DAYS}`

/** As `daily_aggregates` counts it, which knows no merchant: the parts of a split instead of the whole, no transfer, no adjustment, no income. */
const FROM_TRANSACTIONS = `(
  SELECT merchant, currency, -amount_minor AS total_minor, 1 AS transaction_count
    FROM transactions
   WHERE user_id = $1 AND status = 'recorded' AND ${DAYS}
     AND kind NOT IN ('adjustment', 'transfer') AND parts IS NULL AND amount_minor < 0
  UNION ALL
  SELECT merchant, currency, -amount, 1
    FROM transactions, json_array_elements(parts) AS part, CAST(part ->> 'amountMinor' AS numeric) AS amount
   WHERE user_id = $1 AND status = 'recorded' AND ${DAYS}
     AND kind NOT IN ('adjustment', 'transfer') AND parts IS NOT NULL AND amount < 0
) AS spent`

/** A total per currency, and its groups: the largest first, days and weeks in their order. */
export function spendingSumsStatement(
  userId: string,
  days: { readonly from: string; readonly to: string },
  grouping: SpendingGrouping,
  groupsMax: number,
): Statement {
  const key = keys[grouping]
  const order =
    grouping === 'day' || grouping === 'week' ? 'key, currency' : 'total_minor DESC, key, currency'
  return {
    text: `SELECT * FROM (
             SELECT grouping(${key}) = 1 AS whole, ${key} AS key, currency,
                    sum(total_minor) AS total_minor, sum(transaction_count)::bigint AS transaction_count
               FROM ${grouping === 'merchant' ? FROM_TRANSACTIONS : FROM_DAYS}
              GROUP BY GROUPING SETS ((${key}, currency), (currency))
           ) AS sums
           ORDER BY whole DESC, ${order}
           LIMIT $4`,
    values: [userId, days.from, days.to, groupsMax + TOTALS_MAX],
  }
}

/** All that was spent in some days, per currency. */
export function totalStatement(userId: string, { from, to }: DayRange): Statement {
  return {
    text: `SELECT currency, sum(total_minor) AS total_minor, sum(transaction_count)::bigint AS transaction_count
             FROM daily_aggregates
            WHERE user_id = $1
              AND booked_on >= coalesce($2::date, '-infinity') AND booked_on <= coalesce($3::date, 'infinity')
            GROUP BY currency
            ORDER BY currency`,
    values: [userId, from, to],
  }
}

export type SpentRow = {
  readonly currency: string
  readonly total_minor: string
  readonly transaction_count: bigint
}

export type SpendingSumRow = SpentRow & { readonly whole: boolean; readonly key: string | null }

export function spentOf(row: SpentRow): Spent {
  return {
    currency: row.currency,
    totalMinor: BigInt(row.total_minor),
    transactionCount: Number(row.transaction_count),
  }
}

export function spendingSumsOf(rows: readonly SpendingSumRow[]): SpendingSums {
  const totals = rows.filter(({ whole }) => whole).map(spentOf)
  const groups = rows.filter(({ whole }) => !whole)
  return {
    totals: totals.toSorted((a, b) => (a.currency < b.currency ? -1 : 1)),
    groups: groups.map((row) => ({ ...spentOf(row), key: row.key })),
  }
}
