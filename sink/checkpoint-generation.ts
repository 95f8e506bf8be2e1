import { SaldoError } from '../schemas/errors.ts'

/** States that a later evolve made mean something else to an older one. */
export function refuseNewer(partition: number, found: number, known: number): void {
  if (found <= known) return
  throw new SaldoError(
    'SALDO_RELEASE_OUTDATED',
    `the checkpoints of partition ${partition} are of generation ${found}, and this release knows ${known}: run the release that wrote them, or a newer one`,
  )
}
