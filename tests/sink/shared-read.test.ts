import { expect, test } from 'vitest'
import { sharedRead } from '../../sink/queries-freshness.ts'

/** Reads that are answered when the test says so, each with its number. */
function reads() {
  const begun: { resolve(): void; reject(): void }[] = []
  const read = sharedRead(() => {
    const number = begun.length + 1
    return new Promise<number>((resolve, reject) => {
      begun.push({ resolve: () => resolve(number), reject: () => reject(new Error('away')) })
    })
  })
  return { begun, read }
}

test('who asks during a read gets one that began later, together with the others who asked', async () => {
  const { begun, read } = reads()
  const first = read()
  const second = read()
  const third = read()
  expect(begun).toHaveLength(1)
  begun[0]?.resolve()
  expect(await first).toBe(1)
  begun[1]?.resolve()
  expect([await second, await third]).toEqual([2, 2])
  expect(begun).toHaveLength(2)
})

test('who asks after a read gets a new one', async () => {
  const { begun, read } = reads()
  const first = read()
  begun[0]?.resolve()
  await first
  const second = read()
  begun[1]?.resolve()
  expect(await second).toBe(2)
})

test('a read that fails fails for who asked for it, and the next one is made', async () => {
  const { begun, read } = reads()
  const first = read()
  const second = read()
  begun[0]?.reject()
  await expect(first).rejects.toThrow('away')
  begun[1]?.resolve()
  expect(await second).toBe(2)
})
