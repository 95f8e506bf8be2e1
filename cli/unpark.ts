import { randomUUID } from 'node:crypto'
import { unpark, type UnparkDeps, type UnparkResult } from '../topology/unpark.ts'
import type { ExitCode } from './exit-codes.ts'
import type { Output } from './output.ts'

/** Sends the parked commands of a ledger again. 1 when it stays parked, was not parked, or one of them fails again. */
export async function runUnpark(
  deps: Pick<UnparkDeps, 'log' | 'keys' | 'userId'>,
  { json }: { readonly json: boolean },
  out: Output,
): Promise<ExitCode> {
  const { userId } = deps
  const result = await unpark({ ...deps, newId: randomUUID, now: Date.now })
  if (json) out.result(JSON.stringify({ userId, ...result }))
  else out.result(sentenceOf(userId, result))
  return result.end === 'unparked' ? 0 : 1
}

function sentenceOf(userId: string, { end, answers }: UnparkResult): string {
  const total = Object.values(answers).reduce((sum, count) => sum + count, 0)
  const counts = Object.entries(answers).map(([verdict, count]) => `${count} ${verdict}`)
  const sent = total === 0 ? 'no command was waiting' : `${total} sent again: ${counts.join(', ')}`
  switch (end) {
    case 'unparked':
      return `the ledger of ${userId} is unparked; ${sent}`
    case 'parked-again':
      return `the ledger of ${userId} is parked again, the engine failed on one of the commands: saldo dlq list shows it; ${sent}`
    case 'not-parked':
      return `the ledger of ${userId} is not parked`
    case 'erased':
      return `the ledger of ${userId} was erased: what was parked is not readable any more`
  }
}
