import { expect, test } from 'vitest'
import { exitCodeOf } from '../../cli/exit-codes.ts'
import { SaldoError } from '../../schemas/errors.ts'

test('a log that is not the one that was meant ends with 2: nothing but an operator sets it right', () => {
  const error = new SaldoError('SALDO_LOG_MISMATCH', 'another log')
  expect(exitCodeOf(error)).toBe(2)
})
