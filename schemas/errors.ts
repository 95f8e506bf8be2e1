/** The closed list of operating errors. `docs/errors.md` gives cause and remedy of each; a test compares the two. */
export const errorCodes = [
  'SALDO_CONFIG_INVALID',
  'SALDO_USAGE',
  'SALDO_INPUT_INVALID',
  'SALDO_MONEY_INVALID',
  'SALDO_RECORD_UNREADABLE',
  'SALDO_RECORD_TOO_LARGE',
  'SALDO_EVENT_UNREADABLE',
  'SALDO_LEASE_FENCED',
  'SALDO_COMMIT_IN_DOUBT',
  'SALDO_LOG_UNAVAILABLE',
  'SALDO_LOG_MISMATCH',
  'SALDO_TOPICS_REFUSED',
  'SALDO_OFFSET_LOST',
  'SALDO_RECORDS_REMOVED',
  'SALDO_BATCH_FAILING',
  'SALDO_REBUILD_REFUSED',
  'SALDO_DATABASE_UNAVAILABLE',
  'SALDO_DATABASE_SETUP',
  'SALDO_MIGRATION_MISMATCH',
  'SALDO_RELEASE_OUTDATED',
  'SALDO_KEY_UNAVAILABLE',
  'SALDO_REGISTRY_UNAVAILABLE',
  'SALDO_SCHEMA_INCOMPATIBLE',
  'SALDO_ENGINE_STOPPED',
] as const

export type ErrorCode = (typeof errorCodes)[number]

/** An operating error: expected, handled, retried or reported. Bugs use plain `Error` and crash. */
export class SaldoError extends Error {
  override readonly name = 'SaldoError'
  readonly code: ErrorCode
  readonly retryable: boolean

  constructor(
    code: ErrorCode,
    message: string,
    options: { readonly retryable: boolean; readonly cause?: unknown } = { retryable: false },
  ) {
    super(message, { cause: options.cause })
    this.code = code
    this.retryable = options.retryable
  }
}
