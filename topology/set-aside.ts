/** What becomes of commands that are not decided: those that failed are dead letters, those behind them are parked. */
import type { PreparedCommand } from '../actors/answer.ts'
import type { Answered } from '../actors/host/host.ts'
import type { KeyObject } from 'node:crypto'
import { deadLetter } from './decode-batch.ts'
import type { Keys } from './ledger-loader.ts'
import type { NewRecord, Place, StoredRecord } from './log/log.ts'
import { parkedRecord, presentKey } from './parked.ts'

/** In the order of the commands. */
export async function setAside(
  records: readonly StoredRecord[],
  commands: readonly PreparedCommand[],
  answers: readonly Answered[],
  place: Place,
  keys: Keys & { readonly operator: KeyObject },
): Promise<{ readonly deadLetters: readonly NewRecord[]; readonly parked: readonly NewRecord[] }> {
  const deadLetters: NewRecord[] = []
  const parked: NewRecord[] = []
  for (const [index, { outcome, fault }] of answers.entries()) {
    if (fault === undefined && outcome.verdict !== 'parked') continue
    const command = commands[index]
    const record = records.find(({ offset }) => offset === command?.offset)
    if (command === undefined || record === undefined) throw new Error('an answer without a record')
    if (fault !== undefined) {
      const detail = 'the engine failed on this command'
      deadLetters.push(deadLetter(record, place, 'failed', detail, keys.operator))
    } else {
      const { userId } = command.command
      const key = keys.cached(userId) ?? (await keys.keysOf([userId])).get(userId)
      parked.push(parkedRecord(presentKey(key), command, record))
    }
  }
  return { deadLetters, parked }
}
