import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { errorCodes, SaldoError } from '../../schemas/errors.ts'

const page = readFileSync('docs/errors.md', 'utf8')
const rows = [...page.matchAll(/^\| `(SALDO_\w+)` \|([^|]*)\|([^|]*)\|$/gm)].map(
  ([, code = '', cause = '', remedy = '']) => ({
    code,
    cause: cause.trim(),
    remedy: remedy.trim(),
  }),
)

describe('error codes', () => {
  test('every code is documented once, in the order of the list, and nothing else is', () => {
    expect(rows.map(({ code }) => code)).toEqual([...errorCodes])
  })

  test('every row of the page was read', () => {
    expect(rows).toHaveLength(page.split('\n').filter((line) => line.includes('| `SALDO_')).length)
  })

  test('every code has a cause and a remedy, as sentences', () => {
    const sentence = /^[A-Z].*\.$/
    const unfinished = rows.filter(
      ({ cause, remedy }) => !sentence.test(cause) || !sentence.test(remedy),
    )
    expect(unfinished).toEqual([])
  })

  test('an error says its code, whether trying again can help, and its cause', () => {
    const cause = new Error('connection reset')
    const error = new SaldoError('SALDO_LOG_UNAVAILABLE', 'reading ledger.events', {
      retryable: true,
      cause,
    })
    expect(error).toMatchObject({
      name: 'SaldoError',
      code: 'SALDO_LOG_UNAVAILABLE',
      retryable: true,
    })
    expect(error.cause).toBe(cause)
  })

  test('trying again is never implied', () => {
    expect(new SaldoError('SALDO_USAGE', 'no file given').retryable).toBe(false)
  })
})
