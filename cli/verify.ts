import { postgresVerifyReader } from '../sink/verify-queries.ts'
import { verify, type VerifyDeps } from '../topology/verify.ts'
import type { Difference } from '../topology/verify-differences.ts'
import type { ExitCode } from './exit-codes.ts'
import type { Output } from './output.ts'

export type RunVerifyDeps = Pick<VerifyDeps, 'log' | 'keys' | 'partitions'> & {
  readonly databaseUrl: string
}

/** Lines on stderr: enough to see what kind it is, and none of them holds a value. */
const NOTED_MAX = 20
const DETAILS_MAX = 1_000

/** Folds everything again and compares. 1 when anything differs. */
export async function runVerify(
  { databaseUrl, log, keys, partitions }: RunVerifyDeps,
  { json }: { readonly json: boolean },
  out: Output,
): Promise<ExitCode> {
  const reader = postgresVerifyReader(databaseUrl, 'verify')
  try {
    const { ledgers, events, outcomes, differences } = await verify({
      log,
      keys,
      partitions,
      reader,
    })
    const counts = { ledgers, events, outcomes, differences: differences.length }
    if (json) {
      const details = differences.slice(0, DETAILS_MAX)
      out.result(JSON.stringify(details.length === 0 ? counts : { ...counts, details }))
    } else {
      for (const difference of differences.slice(0, NOTED_MAX)) out.note(lineOf(difference))
      const more = differences.length - NOTED_MAX
      if (more > 0) out.note(`… and ${more} more; --json prints the first ${DETAILS_MAX}`)
      out.result(
        `ledgers: ${ledgers}, events: ${events}, outcomes: ${outcomes}, differences: ${differences.length}`,
      )
    }
    return differences.length === 0 ? 0 : 1
  } finally {
    await reader.close()
  }
}

function lineOf({ what, problem, partition, userId, key, columns }: Difference): string {
  const place = [
    `partition ${partition}`,
    ...(userId === undefined ? [] : [`user ${userId}`]),
    ...Object.entries(key).map(([column, value]) => `${column} ${value}`),
  ]
  const which = columns.length === 0 ? '' : `: ${columns.join(', ')}`
  return `${what} ${problem} at ${place.join(', ')}${which}`
}
