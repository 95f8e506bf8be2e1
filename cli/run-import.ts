import type { Config } from '../config/config.ts'
import { profileNamed } from '../connectors/profiles/profiles.ts'
import { SaldoError } from '../schemas/errors.ts'
import { openQueries } from '../sink/queries.ts'
import type { ExitCode } from './exit-codes.ts'
import { importFile } from './import.ts'
import type { Output } from './output.ts'
import { progress } from './progress-bar.ts'
import { withLog } from './with-log.ts'

export type RunImport = {
  readonly file: string
  readonly bytes: number
  readonly user: string
  readonly account: string
  readonly currency?: string
  readonly profile: string
  readonly json: boolean
}

/** Finds what the import needs to know of the user and shows its progress. */
export function runImport(config: Config, options: RunImport, out: Output): Promise<ExitCode> {
  const profile = profileNamed(options.profile)
  return withLog(config, { engine: true }, out, async ({ databaseUrl, log, keys }) => {
    const key = (await keys.keysOf([options.user])).get(options.user)
    if (key === undefined || key === 'shredded') {
      throw new SaldoError(
        'SALDO_USAGE',
        `the ledger of "${options.user}" was erased and takes no more records`,
      )
    }
    const bar = progress('reading', out.note)
    let seen = 0
    try {
      return await importFile(
        log,
        {
          file: options.file,
          userId: options.user,
          accountId: options.account,
          currency: options.currency,
          accountCurrency: await accountCurrency(databaseUrl, options.user, options.account),
          profile,
          key,
          json: options.json,
          onBytes: (count) => bar.update((seen += count), options.bytes),
        },
        out,
      )
    } finally {
      bar.stop()
    }
  })
}

async function accountCurrency(
  databaseUrl: string,
  userId: string,
  accountId: string,
): Promise<string | undefined> {
  const queries = openQueries(databaseUrl, { max: 1 })
  try {
    return (await queries.account(userId, accountId))?.currency
  } finally {
    await queries.close()
  }
}
