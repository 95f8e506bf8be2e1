import { SaldoError } from '../schemas/errors.ts'

/** States that a later evolve made mean something else to an older one. */
export function refuseNewer(partition: number, found: number, known: number): void {
  if (found > known) throw outdated(`the checkpoints of partition ${partition} are`, found, known)
}

/**
 * A row of a newer generation was one of ours before: to an owner of the log that is older than the owner of the
 * checkpoints, its ledger would look as if nothing had ever happened in it.
 */
export function refuseNewerRow(found: number, known: number): void {
  if (found > known) throw outdated('a checkpoint is', found, known)
}

function outdated(what: string, found: number, known: number): SaldoError {
  return new SaldoError(
    'SALDO_RELEASE_OUTDATED',
    `${what} of generation ${found}, and this release knows ${known}: run the release that wrote them, or a newer one`,
  )
}
