/** The npm package as another project has it: packed, installed beside nothing of ours, compiled against and run. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { outcomeCodec } from '../schemas/codec.ts'
import { partitionOf } from '../schemas/partition.ts'
import type { Outcome } from '../schemas/types.ts'
import type { Log } from '../topology/log/log.ts'
import { postgresLog } from '../topology/log/postgres-log.ts'
import { withDatabase } from './support/postgres.ts'
import { startSaldo, type SaldoProcess } from './support/saldo-process.ts'

const ROOT = join(import.meta.dirname, '..')
const run = promisify(execFile)
const never = new AbortController().signal

const schemasProgram = `import { readFileSync } from 'node:fs'
     import { fileURLToPath } from 'node:url'
     import { commandCodec, eventCodec } from 'saldo/schemas/codec'
     import { isoDateOf } from 'saldo/schemas/dates'
     import { errorCodes } from 'saldo/schemas/errors'
     import { isId } from 'saldo/schemas/ids'
     import { parseMinor } from 'saldo/schemas/money'
     import { partitionOf } from 'saldo/schemas/partition'
     import { topics } from 'saldo/schemas/topics'
     import type { LedgerEvent } from 'saldo/schemas/types'
     export const typeOf = (bytes: Buffer): LedgerEvent['body']['type'] => eventCodec.decode(bytes).body.type
     const file = import.meta.resolve('saldo/schemas/transaction/transaction-created.v1.avsc')
     const { name } = JSON.parse(readFileSync(fileURLToPath(file), 'utf8')) as { name: string }
     const released = import.meta.resolve('saldo/schemas/released/saldo.ledger.v1.LedgerEvent.001.json')
     const { id } = JSON.parse(readFileSync(fileURLToPath(released), 'utf8')) as { id: number }
     console.log(name, id, parseMinor('-12.50', 'NOK'), isoDateOf(0), isId('u'), errorCodes.length > 0)
     console.log(partitionOf(Buffer.from('u'), 1), topics['ledger.events'].name, commandCodec.schemaId >>> 24)`

let project: string
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'saldo-package-'))
  await npm(ROOT, 'pack', '--pack-destination', project)
  const tarball = (await readdir(project)).find((name) => name.endsWith('.tgz')) ?? 'no tarball'
  await write('package.json', JSON.stringify({ name: 'another', private: true, type: 'module' }))
  // What is optional is the engine's PostgreSQL and its Node: a producer needs neither.
  const quick = ['--prefer-offline', '--no-audit', '--no-fund', '--omit=optional']
  await npm(project, 'install', ...quick, `./${tarball}`)
  await write('publish.ts', await exampleOf('producer.md'))
  await write('schemas.ts', schemasProgram)
}, 300_000)
afterAll(() => rm(project, { recursive: true, force: true }))

async function npm(cwd: string, ...args: readonly string[]): Promise<void> {
  const isWindows = process.platform === 'win32'
  await run(isWindows ? 'npm.cmd' : 'npm', ['--silent', ...args], { cwd, shell: isWindows })
}

async function write(name: string, text: string): Promise<void> {
  const path = join(project, name)
  await mkdir(join(path, '..'), { recursive: true })
  await writeFile(path, text)
}

/** Runs a program of the project that knows the address of the log and nothing else. */
async function printed(name: string, databaseUrl = ''): Promise<readonly string[]> {
  const { stdout } = await run(process.execPath, [name], {
    cwd: project,
    env: { PATH: process.env['PATH'], DATABASE_URL: databaseUrl },
  })
  return stdout.trimEnd().split('\n')
}

/** What the compiler says of programs, checking the declarations of the package as well. */
async function complaints(...names: readonly string[]): Promise<string> {
  const types = join(ROOT, 'node_modules', '@types')
  const options = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--ignoreConfig']
  const target = ['--module', 'nodenext', '--target', 'esnext', '--skipLibCheck', 'false']
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
  const args = [tsc, ...options, ...target, '--typeRoots', types, '--types', 'node', ...names]
  return run(process.execPath, args, { cwd: project }).then(
    ({ stdout }) => stdout,
    (error: { readonly stdout: string }) => error.stdout,
  )
}

/** The TypeScript of a page of the docs. */
async function exampleOf(page: string): Promise<string> {
  const text = await readFile(join(ROOT, 'docs', page), 'utf8')
  return /```ts\n([\s\S]*?)```/.exec(text)?.[1] ?? 'there is no example'
}

describe('an engine of the package', () => {
  const database = withDatabase('postgres')
  let engine: SaldoProcess
  let log: Log
  beforeAll(async () => {
    const main = join(project, 'node_modules', 'saldo', 'cli', 'saldo.js')
    const settings = { DATABASE_URL: database.url, SALDO_PORT: '0', SALDO_DATA_DIR: project }
    engine = startSaldo(['up', '--no-demo'], { main, settings })
    await engine.line(/^Saldo is up\.$/)
    log = await postgresLog({ url: database.url, role: 'test' })
  })
  afterAll(async () => {
    await log.close()
    expect(await engine.kill('SIGTERM')).toMatchObject({ code: 0 })
  })

  /** The first `count` answers to commands of a user. */
  async function answers(userId: string, count: number): Promise<readonly Outcome[]> {
    const partition = partitionOf(Buffer.from(userId), log.partitions)
    const place = { topic: 'ledger.outcomes', partition } as const
    for (;;) {
      const { records, next } = await log.read(place, 0n, { records: 1000, bytes: 1 << 20 })
      const outcomes = records.map(({ value }) => outcomeCodec.decode(value))
      const mine = outcomes.filter((outcome) => outcome.userId === userId)
      if (mine.length >= count) return mine
      await log.arrival(place, next, never)
    }
  }

  test('answers what the example of docs/producer.md publishes, in TypeScript', async () => {
    const lines = await printed('publish.ts', database.url)
    const outcomes = await answers('u-1', 2)
    expect(outcomes.map(({ verdict }) => verdict)).toEqual(['accepted', 'accepted'])
    expect(lines).toEqual([
      `in the log: ${outcomes[1]?.commandId}`,
      'SALDO_INPUT_INVALID body.amount: "1.234" has more than the 2 decimals of NOK',
    ])
  })

  test('answers what a JavaScript program publishes, once and as a duplicate', async () => {
    await write(
      'publish.js',
      `import { producer } from 'saldo/producer'
       const commands = await producer({ databaseUrl: process.env.DATABASE_URL })
       const body = { type: 'OpenAccount', accountId: 'main', kind: 'cash', currency: 'TZS' }
       const commandId = '00000000-0000-4000-8000-00000000000a'
       await Promise.all([1, 2].map(() => commands.send({ commandId, userId: 'u-2', body })))
       await commands.close()`,
    )
    await printed('publish.js', database.url)
    const verdicts = (await answers('u-2', 2)).map(({ verdict }) => verdict)
    expect(verdicts).toEqual(['accepted', 'duplicate'])
  })
})

test('the compiler takes the declarations and knows what a command has to look like', async () => {
  await write(
    'wrong.ts',
    `import type { NewCommand } from 'saldo/producer'
     const transaction = { transactionId: 't', accountId: 'a', currency: 'NOK' } as const
     const right: readonly NewCommand[] = [
       { userId: 'u', body: { type: 'RecordTransaction', ...transaction, amountMinor: -1n } },
       { userId: 'u', body: { type: 'AmendTransaction', transactionId: 't', note: null } },
     ]
     const wrong: readonly NewCommand[] = [
       // @ts-expect-error an amount is no number
       { userId: 'u', body: { type: 'RecordTransaction', ...transaction, amount: 12.5 } },
       // @ts-expect-error accountId is missing
       { userId: 'u', body: { type: 'RecordTransaction', transactionId: 't', currency: 'NOK' } },
       // @ts-expect-error there is no such field
       { userId: 'u', body: { type: 'CloseAccount', accountId: 'a', acount: 'b' } },
       // @ts-expect-error there is no such command
       { userId: 'u', body: { type: 'CloseEverything' } },
     ]
     export { right, wrong }`,
  )
  expect(await complaints('publish.ts', 'schemas.ts', 'wrong.ts')).toBe('')
})

test('schemas come along: modules with their types, and the Avro files', async () => {
  expect(await printed('schemas.ts')).toEqual([
    'TransactionCreated 2130706944 -1250n 1970-01-01 true true',
    '0 ledger.events 127',
  ])
})

test('nothing else of the engine can be imported', async () => {
  for (const inside of [
    'saldo',
    'saldo/actors/ledger',
    'saldo/privacy/seal',
    'saldo/schemas/avro-types',
  ]) {
    await write('inside.js', `await import('${inside}').catch(({ code }) => console.log(code))`)
    expect(await printed('inside.js')).toEqual(['ERR_PACKAGE_PATH_NOT_EXPORTED'])
  }
})
