import pg from 'pg'
import { SaldoError } from '../../schemas/errors.ts'

// A busy process needs many turns of its event loop for a handshake; a server that is away refuses at once.
const CONNECT_TIMEOUT_MS = 30_000

/** Every connection of ours carries it: the last process of ours to leave stops an embedded server. */
export function applicationName(role: string): string {
  return `saldo:${process.pid}:${role}`
}

/** Settings of PostgreSQL that a connection starts with; a name or a value is one word. */
export type SessionSettings = Readonly<Record<string, string>>

/**
 * For connections that look rows up by key and do nothing else. Their plans are made once, maybe while a table is empty
 * or has no statistics, and must be those of a full one: what a whole scan costs grows with all that is ever stored.
 */
export const byKeyOnly: SessionSettings = {
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  jit: 'off',
}

/**
 * How every connection of ours is opened: it commits durably, speaks UTC and reads int8 as bigint,
 * numeric and date as text (a number would round the one, a Date would move the other over midnight).
 */
export function connectionOf(
  url: string,
  role: string,
  session: SessionSettings = {},
): pg.ClientConfig {
  const parsed = new URL(url)
  const ownOptions = parsed.searchParams.get('options') ?? ''
  const settings = Object.entries({ synchronous_commit: 'on', timezone: 'UTC', ...session })
  // In the URL either would win over ours.
  for (const name of ['application_name', 'options']) parsed.searchParams.delete(name)
  return {
    connectionString: parsed.href,
    application_name: applicationName(role),
    options: [ownOptions, ...settings.map(([name, value]) => `-c ${name}=${value}`)]
      .join(' ')
      .trim(),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    types: exactTypes,
  }
}

export function openPool(
  url: string,
  {
    role,
    max,
    session = {},
  }: { readonly role: string; readonly max: number; readonly session?: SessionSettings },
): pg.Pool {
  const pool = new pg.Pool({
    ...connectionOf(url, role, session),
    max,
    // A pause of some seconds is no reason to shake hands again in the middle of the next batch.
    idleTimeoutMillis: 0,
  })
  // The pool drops an idle client that failed and the next query opens another; unheard, it ends the process.
  pool.on('error', () => {})
  // While a client is lent the pool does not listen: a connection that ends right after an answer would end the process.
  pool.on('connect', (client) => {
    client.on('error', () => {})
  })
  return pool
}

/** How far the connections are used, at this moment. */
export type ConnectionUse = {
  readonly busy: number
  readonly idle: number
  /** Queries that wait for a connection. */
  readonly waiting: number
}

export function connectionUse(pool: pg.Pool): ConnectionUse {
  const { totalCount, idleCount, waitingCount } = pool
  return { busy: totalCount - idleCount, idle: idleCount, waiting: waitingCount }
}

const { builtins } = pg.types
const TEXT_ARRAY: number = 1009
const INT8_ARRAY = 1016
const DATE_ARRAY = 1182

/** Of one pool: the parsers of `pg.types` belong to the whole process. */
const exactTypes: pg.CustomTypesConfig = {
  getTypeParser(oid, format) {
    if (format === 'binary') return pg.types.getTypeParser(oid, format)
    switch (Number(oid)) {
      case builtins.INT8:
        return BigInt
      case INT8_ARRAY:
        return parseBigintArray
      case builtins.DATE:
        return String
      case builtins.TIMESTAMPTZ:
        return parseTime
      case DATE_ARRAY:
        return parseTextArray
      default:
        return pg.types.getTypeParser(oid, format)
    }
  },
}

/** The parser of TEXT[] splits an array and leaves its elements as they are written. */
const parseTextArray: (text: string) => readonly (string | null)[] = pg.types.getTypeParser(
  TEXT_ARRAY,
  'text',
)

const parseAnyTime: (text: string) => unknown = pg.types.getTypeParser(builtins.TIMESTAMPTZ, 'text')
const UTC_TIME = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?\+00$/

/** Every session speaks UTC. The parser of pg takes longer, and reads what is written in another way, such as `infinity`. */
function parseTime(text: string): unknown {
  if (!UTC_TIME.test(text)) return parseAnyTime(text)
  return new Date(`${text.slice(0, 10)}T${text.slice(11, -'+00'.length)}Z`)
}

function parseBigintArray(text: string): (bigint | null)[] {
  return parseTextArray(text).map((element) => (element === null ? null : BigInt(element)))
}

const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  '57P01', // the server is stopped by its administrator
  '57P02', // … by a crash
  '57P03', // … or still starting
])

/** No disk, no memory, no connection left; the disk answers with an error: it may have recovered at the next try. */
const exhausted = /^(53...|58030)$/

const refusalCodes = new Set(['28000', '28P01', '3D000'])

// pg gives these no code.
const lostConnection =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Client has encountered a connection error|Client was closed)/

/** A connection that failed, or a server that lacks something, becomes a SaldoError; everything else is passed on. */
export function asSaldoError(error: unknown): Error {
  if (error instanceof SaldoError) return error
  if (!(error instanceof Error)) return new Error(String(error))
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (networkCodes.has(code) || code.startsWith('08') || lostConnection.test(error.message)) {
    const message = `the database cannot be reached: ${error.message || code}`
    return new SaldoError('SALDO_DATABASE_UNAVAILABLE', message, { retryable: true, cause: error })
  }
  if (exhausted.test(code)) {
    const message = `the database lacks something for now: ${error.message}`
    return new SaldoError('SALDO_DATABASE_UNAVAILABLE', message, { retryable: true, cause: error })
  }
  if (refusalCodes.has(code)) {
    const message = `the database refuses the connection: ${error.message}`
    return new SaldoError('SALDO_DATABASE_SETUP', message, { retryable: false, cause: error })
  }
  return error
}
