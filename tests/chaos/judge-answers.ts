import { commandCodec, deadLetterCodec, outcomeCodec } from '../../schemas/codec.ts'
import type { DeadLetter, Outcome } from '../../schemas/types.ts'
import type { HouseholdModel, Verdict } from '../support/household-model.ts'
import type { Traffic } from '../support/household-traffic.ts'
import type { Chunk } from './sender.ts'
import type { Witness } from './witness.ts'

export type Answers = {
  readonly outcomes: number
  readonly deadLetters: number
  /** Of all events that accepted commands name. */
  readonly eventIds: ReadonlySet<string>
  readonly wrong: readonly string[]
}

const NEIGHBOURS = 4

/**
 * One answer to every record of the commands, in their order, and the one that a model gives that has only seen what
 * was sent. `setAside` has the hashes of records that nobody can read, and loses those that were found.
 */
export async function judgeAnswers(
  witness: Witness,
  model: HouseholdModel,
  partition: number,
  sent: readonly Chunk[],
  setAside: Map<string, number>,
): Promise<Answers> {
  const { outcomes, letters, eventIds } = await answersOf(witness, partition)
  const [outcomeCount, letterCount] = [sum(outcomes), sum(letters)]
  const wrong: string[] = []
  const order = orderOf(sent)
  const ours = new Set(sent.flatMap(({ commands }) => commands.map(({ commandId }) => commandId)))
  const records = await commandIdsOf(witness, partition)
  const end = await witness.end('ledger.commands', partition)
  for (let offset = 0; offset < end; offset++) {
    const answers = taken(outcomes, offset)
    const letter = taken(letters, offset)
    const place = `${partition}:${offset}`
    for (const { cause, payloadHash } of letter) {
      const hash = payloadHash.toString('hex')
      const left = setAside.get(hash) ?? 0
      setAside.set(hash, left - 1)
      if (left < 1) wrong.push(`a dead letter (${cause}) of ${place}`)
    }
    if (letter.length === 1 && answers.length === 0) continue
    const [only] = answers
    if (only !== undefined && (records.get(offset) ?? only.commandId) !== only.commandId) {
      wrong.push(`${place} holds ${records.get(offset)}, and ${only.commandId} was answered`)
    }
    // The clock tells every ledger the time; what it sends is between ours, and has one answer too.
    if (only !== undefined && !ours.has(only.commandId) && answers.length + letter.length === 1) {
      continue
    }
    const command = order.next(only?.commandId)
    const expected = command === undefined ? undefined : model.answer(command)
    const isRight = only?.commandId === command?.commandId && only?.verdict === expected
    if (answers.length !== 1 || letter.length > 0 || !isRight) {
      wrong.push(wrongAnswer({ place, sent, command, expected, answers }))
    }
  }
  const missing = order.missing()
  if (missing > 0) wrong.push(`partition ${partition} lacks ${missing} commands that were sent`)
  for (const offset of [...outcomes.keys(), ...letters.keys()]) {
    wrong.push(`an answer to ${partition}:${offset}, where no command is`)
  }
  return { outcomes: outcomeCount, deadLetters: letterCount, eventIds, wrong }
}

type Found<Answer> = Map<number, Answer[]>

async function answersOf(witness: Witness, partition: number) {
  const outcomes: Found<Outcome> = new Map()
  const letters: Found<DeadLetter> = new Map()
  const eventIds = new Set<string>()
  for await (const { value } of witness.records('ledger.outcomes', partition)) {
    const outcome = outcomeCodec.decode(value)
    const { commandOffset, verdict } = outcome
    outcomes.set(commandOffset, [...(outcomes.get(commandOffset) ?? []), outcome])
    if (verdict === 'accepted' || verdict === 'failed')
      outcome.eventIds.forEach((id) => eventIds.add(id))
  }
  for await (const { value } of witness.records('ledger.dead-letters', partition)) {
    const letter = deadLetterCodec.decode(value)
    letters.set(letter.offset, [...(letters.get(letter.offset) ?? []), letter])
  }
  return { outcomes, letters, eventIds }
}

/** Of the records that are kept: what is decided may be removed. */
async function commandIdsOf(
  witness: Witness,
  partition: number,
): Promise<ReadonlyMap<number, string>> {
  const ids = new Map<number, string>()
  for await (const { offset, value } of witness.records('ledger.commands', partition)) {
    try {
      ids.set(Number(offset), commandCodec.decode(value).commandId)
    } catch {
      // One of those that nobody can read.
    }
  }
  return ids
}

function taken<Answer>(found: Found<Answer>, offset: number): readonly Answer[] {
  const answers = found.get(offset) ?? []
  found.delete(offset)
  return answers
}

function sum(found: Found<unknown>): number {
  return [...found.values()].reduce((total, { length }) => total + length, 0)
}

/** The commands of a partition as they must be there: what was tried again may be there again, and nothing else. */
export function orderOf(chunks: readonly Chunk[]): {
  /** The command that is due, when this one was found. */
  next(commandId: string | undefined): Traffic | undefined
  /** How many are still due. */
  missing(): number
} {
  let [at, index] = [0, 0]
  /** How often the chunk before was found, and whether it is being found once more. */
  let [passes, isAgain] = [0, false]
  return {
    next(commandId) {
      if (index === 0) {
        const before = chunks[at - 1]
        isAgain =
          commandId !== chunks[at]?.commands[0]?.commandId &&
          commandId === before?.commands[0]?.commandId &&
          passes < (before?.tries ?? 0)
      }
      const chunk = chunks[isAgain ? at - 1 : at]
      if (chunk === undefined) return undefined
      const command = chunk.commands[index++]
      if (index < chunk.commands.length) return command
      passes = isAgain ? passes + 1 : 1
      if (!isAgain) at++
      ;[index, isAgain] = [0, false]
      return command
    },
    missing() {
      const due = chunks.slice(at).reduce((total, { commands }) => total + commands.length, 0)
      return isAgain ? due : due - index
    },
  }
}

/** The command, what was answered, and what its user sent before and after. */
function wrongAnswer(at: {
  readonly place: string
  readonly sent: readonly Chunk[]
  readonly command: Traffic | undefined
  readonly expected: Verdict | undefined
  readonly answers: readonly Outcome[]
}): string {
  const { place, command, expected } = at
  const said = at.answers.map(({ verdict, code, commandId }) => `${commandId} ${code ?? verdict}`)
  const all = at.sent.flatMap(({ commands }) => commands)
  const own = all.filter(({ userId }) => userId === command?.userId)
  const index = command === undefined ? -1 : own.indexOf(command)
  const neighbours = own.slice(Math.max(0, index - NEIGHBOURS), index + NEIGHBOURS).map((one) => {
    const mark = one === command ? '→' : ' '
    return `  ${mark} ${one.commandId} ${JSON.stringify(one.body)}`
  })
  return [
    `${place} of ${command?.userId}: ${command?.commandId} ${expected} was expected, found [${said.join(', ')}]`,
    ...neighbours,
  ].join('\n')
}
