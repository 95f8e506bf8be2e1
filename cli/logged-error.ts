import pino from 'pino'
import { SaldoError } from '../schemas/errors.ts'

/**
 * An error as a line of the log shows it. What the world caused and is tried again (a connection cut, a newer owner) is
 * no fault to be looked for in the code: its code and sentence. Anything else comes with its stack and its causes.
 */
export function loggedError(error: unknown): unknown {
  if (error instanceof SaldoError && error.retryable) {
    return { code: error.code, message: error.message }
  }
  return error instanceof Error ? pino.stdSerializers.err(error) : error
}
