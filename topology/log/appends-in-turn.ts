import type { Producer } from './log.ts'

/** One append begins when the one before has ended, however it ended: a number that overtakes another would be taken for a repetition. */
export function appendsInTurn({ append, close }: Producer): Producer {
  let turn: Promise<unknown> = Promise.resolve()
  return {
    append(records) {
      const mine = turn.then(() => append(records))
      turn = mine.catch(() => undefined)
      return mine
    },
    close,
  }
}
