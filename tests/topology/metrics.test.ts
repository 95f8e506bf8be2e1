import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { httpMetrics } from '../../api/metrics.ts'
import type { Notice } from '../../topology/processors/processor.ts'
import { actorMetrics } from '../../topology/metrics/actors.ts'
import { clockMetrics } from '../../topology/metrics/clock.ts'
import { relayMetrics, streamMetrics } from '../../topology/metrics/streams.ts'
import { tableMetrics } from '../../topology/metrics/tables.ts'

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'metrics.md'), 'utf8')

type Metric = { readonly name: string; readonly labels: readonly string[] }

/** The rows of the page's table. */
const told: readonly (Metric & { readonly role: string; readonly advice: string })[] = page
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => {
    const [, name = '', role = '', labels = '', , advice = ''] = line.split('|')
    return { name: namesIn(name)[0] ?? '', role: role.trim(), labels: namesIn(labels), advice }
  })

const roles: readonly (readonly [string, () => Promise<string>])[] = [
  ['actors', actorMetrics(() => undefined).text],
  ['tables', tableMetrics(() => undefined).text],
  [
    'streams',
    async () => `${await streamMetrics().text()}\n${await relayMetrics(() => {}).text()}`,
  ],
  ['clock', clockMetrics().text],
  ['api', httpMetrics().text],
]

describe('docs/metrics.md', () => {
  test.each(roles)('names exactly the metrics that the %s role has', async (role, text) => {
    const exposed = [...(await text()).matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)
    const named = told.filter((metric) => metric.role === role).map(({ name }) => name)
    expect(named).toEqual(exposed)
  })

  test('names a metric once, and says of each what to do', () => {
    expect(new Set(told.map(({ name }) => name)).size).toBe(told.length)
    expect(told.filter(({ advice }) => advice.trim().length < 40)).toEqual([])
  })

  test('names the labels that the code gives', () => {
    const files = ['actors', 'tables', 'streams', 'clock'].map(
      (role) => `topology/metrics/${role}.ts`,
    )
    const given = [...files, 'api/metrics.ts'].flatMap((file) =>
      metricsIn(readFileSync(join(import.meta.dirname, '..', '..', file), 'utf8')),
    )
    expect(told.map(({ name, labels }) => ({ name, labels }))).toEqual(given)
  })
})

describe('the metrics of the actors role', () => {
  test('show the state of a partition until it is given up', async () => {
    const { observer, left, text } = actorMetrics(() => undefined)
    const shown = async (): Promise<readonly string[]> =>
      [...(await text()).matchAll(/^saldo_(?:lease_state|restore_left_offsets)\{.*$/gm)].map(
        ([line]) => line,
      )
    observer.state(2, 'restoring')
    observer.restoring?.(2, { from: 0n, position: 3n, end: 10n })
    expect(await shown()).toContain('saldo_lease_state{partition="2",state="restoring"} 1')
    expect(await shown()).toContain('saldo_restore_left_offsets{partition="2"} 7')
    observer.state(2, 'running')
    expect(await shown()).toContain('saldo_lease_state{partition="2",state="restoring"} 0')
    left(2)
    expect(await shown()).toEqual([])
  })

  test('say for how long a partition waits for the registry, while it does', async () => {
    let now = 0
    const { waits, text } = actorMetrics(
      () => undefined,
      () => ({ busy: 0, idle: 0, waiting: 0 }),
      () => now,
    )
    const shown = async (): Promise<string | undefined> =>
      /^saldo_registry_wait_seconds\{partition="1"\} (.*)$/m.exec(await text())?.[1]
    waits(1, { offset: 4n })
    now = 2_000
    waits(1, { offset: 4n })
    now = 2_500
    expect(await shown()).toBe('2.5')
    waits(1, undefined)
    expect(await shown()).toBeUndefined()
  })
})

describe('the metrics of the tables role', () => {
  test('say for how long the oldest record waits, also while nothing is written', async () => {
    let now = 10_000
    const { observer, text } = tableMetrics(
      () => undefined,
      {},
      () => now,
    )
    const lag = async (): Promise<string | undefined> =>
      /^saldo_table_lag_seconds\{reader="events",partition="2"\} (.*)$/m.exec(await text())?.[1]
    const batch = { items: 1, written: [{ table: 'accounts', rows: 3 }] }
    observer.reading?.('events', 2, 8_000)
    expect(await lag()).toBe('2')
    now = 15_500
    expect(await lag()).toBe('7.5')
    observer.applied('events', 2, { ...batch, next: 7n, end: 9n })
    expect(await lag()).toBe('7.5')
    observer.applied('events', 2, { ...batch, next: 9n, end: 9n })
    expect(await lag()).toBe('0')
    expect(await text()).toContain('saldo_table_rows_total{table="accounts"} 6')
  })

  test('count budget alerts by the usual percentages, and all others as one', async () => {
    const { observer, text } = tableMetrics(() => undefined)
    for (const threshold of [80, 80, 100, 81, 1000]) observer.told?.(toldAt(threshold))
    const counts = [...(await text()).matchAll(/^saldo_budget_alerts_total(.*)$/gm)]
    expect(counts.map(([, labelled]) => labelled)).toEqual([
      '{threshold="80"} 2',
      '{threshold="100"} 1',
      '{threshold="other"} 2',
    ])
  })

  test('look up the review queue once a minute at most, and keep the last answer when it fails', async () => {
    let now = 0
    const answers = [3, 5]
    let asked = 0
    const reviewQueue = async (): Promise<number> => {
      asked += 1
      const answer = answers.shift()
      if (answer === undefined) throw new Error('the database is away')
      return answer
    }
    const { text } = tableMetrics(
      () => undefined,
      { reviewQueue },
      () => now,
    )
    const seen: (string | undefined)[] = []
    for (const at of [0, 59_999, 60_000, 120_000]) {
      now = at
      seen.push(/^saldo_review_queue (.*)$/m.exec(await text())?.[1])
    }
    expect(seen).toEqual(['3', '3', '5', '5'])
    expect(asked).toBe(3)
  })
})

function toldAt(threshold: number): Notice {
  const ids = { eventId: 'e', causeEventId: 'c', userId: 'u', budgetId: 'b', budgetVersion: 1 }
  const when = { occurredAt: 0, recordedAt: 0, month: 674 }
  const where = { categoryId: 'groceries', currency: 'NOK', amountMinor: 1n, spentMinor: 1n }
  return { about: 'b', record: { type: 'BudgetExceeded', ...ids, ...when, ...where, threshold } }
}

function namesIn(cell: string): readonly string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].flatMap(([, name]) => name ?? [])
}

/** Every metric that a file makes: prom-client does not show the labels of one that never counted. */
function metricsIn(source: string): readonly Metric[] {
  const made = /name: '(saldo_\w+)',\s*help: '[^']*',(?:\s*labelNames: \[([^\]]*)\])?/g
  return [...source.matchAll(made)].map(([, name = '', labels = '']) => ({
    name,
    labels: [...labels.matchAll(/'(\w+)'/g)].flatMap(([, label]) => label ?? []),
  }))
}
