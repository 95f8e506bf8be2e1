import { SaldoError } from '../schemas/errors.ts'
import type { Log, Place, Slice, StoredRecord } from './log/log.ts'

/** What ends a transaction takes an offset or two; who aborted many before it is not looked for any further. */
const BACK = [2n, 64n]

/** The last record before an offset, looked for a little way back; undefined where none is found or retention has it. */
export async function lastBefore(
  log: Log,
  place: Place,
  offset: bigint,
): Promise<StoredRecord | undefined> {
  for (const back of BACK) {
    const from = offset > back ? offset - back : 0n
    const last = await lastBetween(log, place, from, offset)
    if (last !== undefined || from === 0n) return last
  }
  return undefined
}

async function lastBetween(
  log: Log,
  place: Place,
  from: bigint,
  to: bigint,
): Promise<StoredRecord | undefined> {
  let last: StoredRecord | undefined
  for (let position = from; position < to;) {
    const slice = await keptFrom(log, place, position, Number(to - position))
    last = slice.records.findLast(({ offset }) => offset < to) ?? last
    if (slice.next <= position) break
    position = slice.next
  }
  return last
}

/** From the start of what is kept, where the position is before it. */
async function keptFrom(
  log: Log,
  place: Place,
  position: bigint,
  records: number,
): Promise<Pick<Slice, 'records' | 'next'>> {
  try {
    return await log.read(place, position, { records, bytes: 1 << 20 })
  } catch (error) {
    if (!(error instanceof SaldoError) || error.code !== 'SALDO_RECORDS_REMOVED') throw error
    return { records: [], next: await log.start(place) }
  }
}
