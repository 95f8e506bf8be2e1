import { once } from 'node:events'
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { masterKeyFromFile, masterKeyFromHex, ownMasterKey } from '../../privacy/master-key.ts'
import type { KeyMakers } from '../support/make-master-keys.ts'

const MAKER = join(import.meta.dirname, '..', 'support', 'make-master-keys.ts')
const posix = process.platform !== 'win32'

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'saldo-master-key-'))
  path = join(folder, 'master.key')
})
afterEach(() => rm(folder, { recursive: true }))

test('the key is made at first use and the same ever after', () => {
  const key = ownMasterKey(path)
  expect(key).toHaveLength(32)
  expect(ownMasterKey(path)).toEqual(key)
  expect(ownMasterKey(join(folder, 'other.key'))).not.toEqual(key)
})

test('nothing but the key file is left in the folder', async () => {
  ownMasterKey(path)
  expect(await readdir(folder)).toEqual(['master.key'])
})

test.runIf(posix)('the file is made for its owner alone, whatever the umask', async () => {
  const before = process.umask(0)
  try {
    ownMasterKey(path)
  } finally {
    process.umask(before)
  }
  expect((await stat(path)).mode & 0o777).toBe(0o600)
})

test.runIf(posix).each([0o640, 0o604, 0o660, 0o601])(
  'a file with mode %o is refused, with the way to mend it',
  async (mode) => {
    ownMasterKey(path)
    await chmod(path, mode)
    expect(() => ownMasterKey(path)).toThrow(
      expect.objectContaining({
        code: 'SALDO_CONFIG_INVALID',
        message: expect.stringContaining(`${path} can be read by others: run chmod 600`),
      }),
    )
  },
)

test('a file that holds no key is refused and left as it is', async () => {
  await writeFile(path, 'not a key\n', { mode: 0o600 })
  expect(() => ownMasterKey(path)).toThrow(
    expect.objectContaining({ code: 'SALDO_CONFIG_INVALID' }),
  )
  expect((await stat(path)).size).toBe(10)
})

test('a folder that is not there is an error, not a key that is gone tomorrow', () => {
  expect(() => ownMasterKey(join(folder, 'none', 'master.key'))).toThrow('ENOENT')
})

test('a key in hexadecimal digits may have either case and a line feed', () => {
  const hex = 'aB'.repeat(32)
  expect(masterKeyFromHex(`${hex}\n`)).toEqual(Buffer.alloc(32, 0xab))
})

test.each(['', 'ab'.repeat(31), 'ab'.repeat(33), 'zz'.repeat(32)])(
  'the setting "%s" is no key, and the error does not repeat it',
  (text) => {
    expect(() => masterKeyFromHex(text)).toThrow(
      expect.objectContaining({
        code: 'SALDO_CONFIG_INVALID',
        message: 'a master key is 64 hexadecimal digits',
      }),
    )
  },
)

test('all who make the key at once get the same one', async () => {
  // Threads meet at a file more closely than processes do; the system calls are the same. The moment in which an
  // unfinished file could be seen is short: many files.
  const paths = Array.from({ length: 400 }, (_, n) => join(folder, `key-${n}`))
  const workerData: KeyMakers = {
    paths,
    threads: 2,
    arrivals: new Int32Array(new SharedArrayBuffer(4)),
  }
  const makers = [0, 1].map(() => new Worker(MAKER, { workerData, execArgv: [] }))
  const answers = await Promise.all(makers.map((maker) => once(maker, 'message')))
  const [first, second] = answers.map(([keys]: string[][]) => keys)
  for (const key of first ?? []) expect(key).toMatch(/^[0-9a-f]{64}$/)
  expect(new Set(first).size).toBe(paths.length)
  expect(second).toEqual(first)
})

test('a key file that was named and is not there is refused, never made', async () => {
  expect(() => masterKeyFromFile(path)).toThrow(`there is no master key file ${path}`)
  expect(await readdir(folder)).toEqual([])
})

test('a file that holds something else is named', async () => {
  await writeFile(path, '', { mode: 0o600 })
  expect(() => masterKeyFromFile(path)).toThrow(`${path} does not hold a master key`)
})
