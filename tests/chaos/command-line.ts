/** What the programs of the faults share on the command line. */
import { parseArgs, type ParseArgsConfig } from 'node:util'

class Misuse extends Error {}

export function parsed<const Options extends NonNullable<ParseArgsConfig['options']>>(
  options: Options,
) {
  return parseArgs({ options }).values
}

export function whole(name: string, text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text)
  throw new Misuse(`--${name} must be a whole number, got "${text}"`)
}

/** Ctrl-C ends every process of the run and leaves its data. */
export function stopSignal(): AbortSignal {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => stop.abort(new Error(`ended by ${signal}`)))
  }
  return stop.signal
}

/** Its exit code, or 2 and the usage where the options were wrong. */
export async function runAsMain(main: () => Promise<number>, usage: string): Promise<void> {
  try {
    // A connection that nobody closed must not keep the program.
    process.exit(await main())
  } catch (error) {
    if (!isMisuse(error)) throw error
    process.stderr.write(`${error.message}\n\n${usage}`)
    process.exitCode = 2
  }
}

function isMisuse(error: unknown): error is Error {
  const code = error instanceof TypeError && 'code' in error ? String(error.code) : ''
  return error instanceof Misuse || code.startsWith('ERR_PARSE_ARGS')
}
