import { SaldoError, type ErrorCode } from '../schemas/errors.ts'

/** 0 done · 1 a difference or a failed item · 2 wrong use or configuration · 3 something needed is not reachable. */
export type ExitCode = 0 | 1 | 2 | 3

const wrongUse: ReadonlySet<ErrorCode> = new Set([
  'SALDO_CONFIG_INVALID',
  'SALDO_USAGE',
  'SALDO_INPUT_INVALID',
  'SALDO_LOG_MISMATCH',
  'SALDO_MONEY_INVALID',
  'SALDO_RECORD_TOO_LARGE',
  'SALDO_MIGRATION_MISMATCH',
  'SALDO_TOPICS_REFUSED',
  'SALDO_SCHEMA_INCOMPATIBLE',
])

const notReachable: ReadonlySet<ErrorCode> = new Set([
  'SALDO_DATABASE_UNAVAILABLE',
  'SALDO_DATABASE_SETUP',
  'SALDO_LOG_UNAVAILABLE',
  'SALDO_KEY_UNAVAILABLE',
  'SALDO_REGISTRY_UNAVAILABLE',
])

export function exitCodeOf(error: unknown): ExitCode {
  if (!(error instanceof SaldoError)) return 1
  if (wrongUse.has(error.code)) return 2
  return notReachable.has(error.code) ? 3 : 1
}

/** One sentence for a person; a stack trace only for what is our fault. */
export function sentenceOf(error: unknown): string {
  if (error instanceof SaldoError) return `saldo: ${error.message} (${error.code})`
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return `saldo: this is a bug in Saldo, please report it: ${detail}`
}
