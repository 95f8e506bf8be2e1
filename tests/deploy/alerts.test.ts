/** The rules of Prometheus and the dashboard of Grafana speak of metrics, labels and pages that exist. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { settings } from '../../config/settings.ts'

const root = join(import.meta.dirname, '..', '..')
const text = (path: string): string => readFileSync(join(root, path), 'utf8')

type Rule = {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly runbook: string }
}
const { groups } = parse(text('deploy/prometheus/alerts.yml')) as {
  readonly groups: readonly { readonly rules: readonly Rule[] }[]
}
const rules = groups.flatMap((group) => group.rules)

type Panel = {
  readonly id: number
  readonly title: string
  readonly datasource?: { readonly uid: string }
  readonly gridPos: {
    readonly x: number
    readonly y: number
    readonly w: number
    readonly h: number
  }
  readonly targets?: readonly { readonly expr?: string; readonly rawSql?: string }[]
}
const dashboards = readdirSync(join(root, 'deploy/grafana/dashboards')).map(
  (file) =>
    JSON.parse(text(`deploy/grafana/dashboards/${file}`)) as {
      readonly uid: string
      readonly panels: readonly Panel[]
    },
)
const panels = dashboards.flatMap((dashboard) => dashboard.panels)
const targets = panels.flatMap(({ targets: asked = [] }) => asked)
const expressions = [...rules.map(({ expr }) => expr), ...targets.flatMap(({ expr }) => expr ?? [])]

/** Labels by metric, as docs/metrics.md has them; a histogram is three series. */
const known = new Map<string, readonly string[]>([
  ['up', ['job', 'instance']],
  ['ALERTS', ['alertname', 'alertstate']],
])
for (const line of text('docs/metrics.md').split('\n')) {
  const [, name = '', , labels = '', , advice = ''] = line.split('|')
  const [, metric] = /^ `(saldo_\w+)`/.exec(name) ?? []
  if (metric === undefined) continue
  const own = [...labels.matchAll(/`(\w+)`/g)].flatMap(([, label]) => label ?? [])
  if (advice.trim().startsWith('Histogram')) {
    for (const series of ['count', 'sum', 'bucket'])
      known.set(`${metric}_${series}`, [...own, 'le'])
  } else known.set(metric, own)
}

describe.each([
  ['rules', rules.map(({ expr }) => expr)],
  ['dashboards', targets.flatMap(({ expr }) => expr ?? [])],
] as const)('the %s of Prometheus’ metrics', (_, asked) => {
  test('name metrics that docs/metrics.md has', () => {
    const named = asked.flatMap((expr) => expr.match(/\b(?:saldo_\w+|up|ALERTS)\b/g) ?? [])
    expect(named.length).toBeGreaterThan(10)
    expect(named.filter((name) => !known.has(name))).toEqual([])
  })

  test('choose by labels that the metric has', () => {
    const chosen = asked.flatMap((expr) =>
      [...expr.matchAll(/(\w+)\{([^}]*)\}/g)].flatMap(([, name = '', filter = '']) =>
        [...filter.matchAll(/(\w+)\s*[=!]/g)].map(([, label = '']) => ({ name, label })),
      ),
    )
    expect(chosen.length).toBeGreaterThan(0)
    expect(chosen.filter(({ name, label }) => !known.get(name)?.includes(label))).toEqual([])
  })

  test('group by labels that a metric in them has', () => {
    const grouped = asked.flatMap((expr) => {
      const labels = (expr.match(/\w+/g) ?? []).flatMap((name) => known.get(name) ?? [])
      return [...expr.matchAll(/\bby \(([^)]*)\)/g)]
        .flatMap(([, by = '']) => by.split(',').map((label) => label.trim()))
        .filter((label) => !labels.includes(label))
    })
    expect(grouped).toEqual([])
  })
})

describe('every rule', () => {
  const page = text('docs/operations.md')
  const anchors = new Set(
    [...page.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replaceAll(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    ),
  )

  test('has a name of its own, a weight, and a section that says what to do', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length)
    for (const { alert, labels, annotations } of rules) {
      const [file, anchor = ''] = annotations.runbook.split('#')
      expect([alert, file, anchors.has(anchor)]).toEqual([alert, 'docs/operations.md', true])
      expect(['page', 'ticket']).toContain(labels.severity)
      expect(annotations.summary).not.toBe('')
    }
  })

  test('stands in the table of docs/operations.md, and nothing else does', () => {
    const told = [...page.matchAll(/^\| `(Saldo\w+)` \|/gm)].map(([, name]) => name)
    expect(told).toEqual(rules.map(({ alert }) => alert))
  })

  test('about waiting commands has the age at which the clock tells it', () => {
    const [, seconds] = /> (\d+)$/.exec(ruleOf('SaldoCommandsWait').expr) ?? []
    expect(seconds).toBe(settings.unreadAlarmSeconds.fallback)
  })

  const ruleOf = (name: string): Rule => {
    const rule = rules.find(({ alert }) => alert === name)
    if (rule === undefined) throw new Error(`no rule ${name}`)
    return rule
  }
})

test('every metric is watched by a rule or shown by a dashboard', () => {
  const all = expressions.join('\n')
  const metrics = [...text('docs/metrics.md').matchAll(/^\| `(saldo_\w+)` \|/gm)]
  expect(metrics.flatMap(([, name = '']) => (all.includes(name) ? [] : name))).toEqual([])
})

test('Prometheus and Grafana are given the rules, the dashboards and the sources that they ask', () => {
  const { services } = parse(text('deploy/compose.yaml'), { merge: true }) as {
    readonly services: { readonly [name: string]: { readonly volumes?: readonly string[] } }
  }
  const mounts = (service: string) =>
    (services[service]?.volumes ?? []).map((volume) => volume.split(':')[1])
  const { rule_files: files } = parse(text('deploy/prometheus/prometheus.yml')) as {
    readonly rule_files: readonly string[]
  }
  for (const file of files) expect(mounts('prometheus')).toContain(`/etc/prometheus/${file}`)
  const { providers } = parse(text('deploy/grafana/provisioning/dashboards/saldo.yaml')) as {
    readonly providers: readonly { readonly options: { readonly path: string } }[]
  }
  for (const { options } of providers) expect(mounts('grafana')).toContain(options.path)
  const { datasources } = parse(text('deploy/grafana/provisioning/datasources/saldo.yaml')) as {
    readonly datasources: readonly { readonly uid: string }[]
  }
  const sources = new Set(datasources.map(({ uid }) => uid))
  const asked = panels.flatMap(({ datasource }) => datasource?.uid ?? [])
  expect(asked.filter((uid) => !sources.has(uid))).toEqual([])
})

test('panels lie beside each other and have ids of their own', () => {
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
  for (const one of panels) {
    const { x, y, w, h } = one.gridPos
    expect([one.title, x + w <= 24]).toEqual([one.title, true])
    const over = panels.filter(({ gridPos: other, id }) => {
      const aside = other.x >= x + w || x >= other.x + other.w
      return id !== one.id && !aside && other.y < y + h && y < other.y + other.h
    })
    expect([one.title, over.map(({ title }) => title)]).toEqual([one.title, []])
  }
})

test('what the dashboard asks of the database, its login may read', () => {
  const granted = ['daily_totals', 'progress', 'leases', 'members', 'processor_runs']
  const tables = targets.flatMap(({ rawSql = '' }) => [
    ...rawSql.matchAll(/\b(?:FROM|JOIN) (\w+)/g),
  ])
  expect(tables.length).toBeGreaterThan(0)
  expect(tables.map(([, name]) => name).filter((name) => !granted.includes(name ?? ''))).toEqual([])
})
