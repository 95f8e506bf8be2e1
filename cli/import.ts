import { randomUUID } from 'node:crypto'
import { recordOf } from '../connectors/command-record.ts'
import { csvRows } from '../connectors/csv.ts'
import { importRows, type ImportItem } from '../connectors/import-rows.ts'
import type { Profile } from '../connectors/profiles/profile.ts'
import type { SubjectKey } from '../privacy/subject-key.ts'
import { SaldoError } from '../schemas/errors.ts'
import { isCurrency } from '../schemas/money.ts'
import type { LedgerCommand, LedgerCommandBody } from '../schemas/types.ts'
import type { Log } from '../topology/log/log.ts'
import type { ExitCode } from './exit-codes.ts'
import { followOutcomes, type OutcomeFollower } from './outcome-follower.ts'
import type { Output } from './output.ts'
import { publisher } from './publisher.ts'

export type ImportRequest = {
  readonly file: string
  readonly userId: string
  readonly accountId: string
  /** Opens the account when it is missing. */
  readonly currency: string | undefined
  /** Currency of the account as the tables know it; undefined when it is missing. */
  readonly accountCurrency: string | undefined
  readonly profile: Profile
  readonly key: SubjectKey
  readonly json: boolean
  onBytes?(count: number): void
}

const OUTSTANDING_MAX = 10_000

type Rejected = { readonly line: number; readonly path: string | null; readonly reason: string }

/** Records every row of a bank file once, however often it is imported, and waits for the answers. */
export async function importFile(log: Log, request: ImportRequest, out: Output): Promise<ExitCode> {
  const currency = currencyOf(request)
  const follower = await followOutcomes(log)
  try {
    if (request.accountCurrency === undefined) await openAccount(log, follower, request, currency)
    const counts = { read: 0, recorded: 0, duplicates: 0 }
    const rejected: Rejected[] = []
    const outstanding = new Set<Promise<void>>()
    const sender = publisher(log)
    for await (const item of items(request, currency)) {
      counts.read++
      if (item.kind === 'problem') {
        rejected.push({ line: item.line, path: item.path, reason: item.sentence })
        continue
      }
      const answer = follower.next(item.commandId).then((outcome) => {
        outstanding.delete(answer)
        if (outcome.verdict === 'accepted') counts.recorded++
        else if (outcome.verdict === 'duplicate') counts.duplicates++
        else
          rejected.push({
            line: item.line,
            path: outcome.path,
            reason: outcome.sentence ?? outcome.verdict,
          })
      })
      outstanding.add(answer)
      await sender.publish(
        recordOf(commandOf(request.userId, item.commandId, item.body), log.partitions),
      )
      if (outstanding.size >= OUTSTANDING_MAX) {
        await sender.flush()
        await Promise.race(outstanding)
      }
    }
    await sender.flush()
    await Promise.all(outstanding)
    report(
      counts,
      rejected.toSorted((a, b) => a.line - b.line),
      request.json,
      out,
    )
    return rejected.length > 0 ? 1 : 0
  } finally {
    await follower.close()
  }
}

function currencyOf({ currency, accountCurrency, accountId }: ImportRequest): string {
  if (currency !== undefined && !isCurrency(currency)) {
    throw new SaldoError('SALDO_USAGE', `"${currency}" is not an ISO 4217 currency code`)
  }
  if (accountCurrency !== undefined && currency !== undefined && accountCurrency !== currency) {
    throw new SaldoError(
      'SALDO_USAGE',
      `account "${accountId}" is kept in ${accountCurrency}, not ${currency}`,
    )
  }
  const known = accountCurrency ?? currency
  if (known === undefined) {
    throw new SaldoError(
      'SALDO_USAGE',
      `there is no account "${accountId}": give --currency to open it`,
    )
  }
  return known
}

async function openAccount(
  log: Log,
  follower: OutcomeFollower,
  { userId, accountId }: ImportRequest,
  currency: string,
): Promise<void> {
  const commandId = randomUUID()
  const answer = follower.next(commandId)
  const sender = publisher(log)
  const body = {
    type: 'OpenAccount',
    accountId,
    kind: 'checking',
    currency,
    name: null,
    bankName: null,
  } as const
  await sender.publish(recordOf(commandOf(userId, commandId, body), log.partitions))
  await sender.flush()
  const { verdict, code, sentence } = await answer
  // Taken means that it exists after all; a wrong currency shows in every row.
  if (verdict === 'accepted' || verdict === 'duplicate' || code === 'id-taken') return
  throw new SaldoError(
    'SALDO_USAGE',
    `account "${accountId}" cannot be opened: ${sentence ?? verdict}`,
  )
}

function items(request: ImportRequest, currency: string): AsyncGenerator<ImportItem> {
  const { file: path, profile, key, onBytes } = request
  return importRows({
    rows: csvRows({ path, profile, ...(onBytes === undefined ? {} : { onBytes }) }),
    profile,
    account: { accountId: request.accountId, currency },
    identify: (text) => key.hash(text).toString('hex'),
  })
}

function commandOf(userId: string, commandId: string, body: LedgerCommandBody): LedgerCommand {
  return {
    commandId,
    userId,
    issuedAt: Date.now(),
    expectedVersion: null,
    initiator: { kind: 'import', id: 'saldo-import' },
    traceparent: null,
    body,
  }
}

function report(
  counts: { readonly read: number; readonly recorded: number; readonly duplicates: number },
  rejected: readonly Rejected[],
  json: boolean,
  out: Output,
): void {
  const { read, recorded, duplicates } = counts
  if (json) {
    out.result(
      JSON.stringify({
        read,
        recorded,
        duplicates,
        rejected: rejected.length,
        rejections: rejected,
      }),
    )
    return
  }
  out.result(
    `${read} rows read, ${recorded} recorded, ${duplicates} duplicates, ${rejected.length} rejected`,
  )
  for (const { line, reason } of rejected) out.note(`line ${line}: ${reason}`)
}
