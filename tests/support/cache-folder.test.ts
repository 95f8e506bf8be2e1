import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { cacheFolder } from './cache-folder.ts'

// Beyond what systems give to processes.
const NO_PID = 2 ** 30

describe('a folder that is made once', () => {
  let root: string
  let folder: string
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'saldo-cache-'))
    folder = join(root, 'jars')
  })
  afterEach(() => rm(root, { recursive: true, force: true }))

  let made = 0
  const make = async (unfinished: string): Promise<void> => {
    await writeFile(join(unfinished, 'one'), `${++made}`)
  }

  test('is made by one of those who come at once, and found by the others', async () => {
    made = 0
    await Promise.all([1, 2, 3].map(() => cacheFolder(folder, make)))
    expect(await readFile(join(folder, 'one'), 'utf8')).toBe('1')
    expect(made).toBe(1)
  })

  test('is not there when its making failed, and is made by the next one', async () => {
    const failing = cacheFolder(folder, () => Promise.reject(new Error('no network')))
    await expect(failing).rejects.toThrow('no network')
    expect(await readdir(root)).toEqual([])
    await cacheFolder(folder, make)
    expect(await readdir(root)).toEqual(['jars'])
  })

  test('is made anew where a process was killed while it made it', async () => {
    await writeFile(`${folder}.lock`, `${NO_PID}`)
    await writeFile(`${folder}.unfinished-${NO_PID}-abc`, 'half of it')
    await cacheFolder(folder, make)
    expect(await readdir(root)).toEqual(['jars'])
  })
})
