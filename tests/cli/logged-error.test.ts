import { expect, test } from 'vitest'
import { loggedError } from '../../cli/logged-error.ts'
import { SaldoError } from '../../schemas/errors.ts'

test('what the world caused and is tried again has a sentence in the log, and no stack', () => {
  const cause = new Error('the socket closed')
  const error = new SaldoError('SALDO_LEASE_FENCED', 'there is a newer owner', {
    retryable: true,
    cause,
  })
  expect(loggedError(error)).toEqual({
    code: 'SALDO_LEASE_FENCED',
    message: 'there is a newer owner',
  })
})

test('a fault has its stack and its cause in the log', () => {
  const error = new SaldoError('SALDO_BATCH_FAILING', 'failed three times', {
    retryable: false,
    cause: new Error('not a date'),
  })
  expect(loggedError(error)).toMatchObject({
    code: 'SALDO_BATCH_FAILING',
    message: 'failed three times: not a date',
    stack: expect.stringContaining('logged-error.test.ts'),
  })
})
