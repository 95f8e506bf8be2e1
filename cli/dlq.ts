/** Dead letters: what is there, what is in one, send it again, or say that it is dealt with. */
import { commandToJson } from '../connectors/command-json.ts'
import { instantToJson, type JsonObject } from '../connectors/json.ts'
import { isId } from '../schemas/ids.ts'
import { SaldoError } from '../schemas/errors.ts'
import {
  postgresDeadLetterMarks,
  type DeadLetterMarks,
  type Mark,
} from '../sink/dead-letter-marks.ts'
import {
  commandIn,
  DEAD_LETTERS,
  deadLetterAt,
  deadLettersIn,
  openLetter,
  sendAgain,
  type StoredLetter,
} from '../topology/dead-letters.ts'
import type { ExitCode } from './exit-codes.ts'
import { followOutcomes } from './outcome-follower.ts'
import type { Output } from './output.ts'
import type { VerbDeps } from './with-log.ts'

type Printing = { readonly json: boolean }
type Done = { readonly address: string; readonly done: boolean; readonly sentence: string }

/** `PARTITION/OFFSET` in `ledger.dead-letters`, as `saldo dlq list` prints it. */
export type Address = { readonly partition: number; readonly offset: bigint }

export function addressOf(typed: string): Address {
  const [, partition, offset] = /^(\d{1,5})\/(\d{1,15})$/.exec(typed) ?? []
  if (partition === undefined || offset === undefined) {
    throw new SaldoError(
      'SALDO_USAGE',
      `an address is PARTITION/OFFSET, as saldo dlq list prints it, got "${typed}"`,
    )
  }
  return { partition: Number(partition), offset: BigInt(offset) }
}

/** Those that nobody has dealt with, or all. */
export async function runDlqList(
  deps: VerbDeps,
  { json, all }: Printing & { readonly all: boolean },
  out: Output,
): Promise<ExitCode> {
  return withMarks(deps, async (marks): Promise<ExitCode> => {
    const marked = await marks.of(DEAD_LETTERS)
    let hidden = 0
    const shown: JsonObject[] = []
    for await (const stored of deadLettersIn(deps.log)) {
      const mark = marked.get(textOf(stored))
      if (mark !== undefined && !all) hidden++
      else if (json) shown.push(letterToJson(stored, mark))
      else out.result(lineOf(stored, mark))
      await out.flushed()
    }
    if (json) out.result(JSON.stringify(shown))
    if (hidden > 0) out.note(`${hidden} dealt with: --all lists them as well`)
    return 0
  })
}

export async function runDlqShow(
  deps: VerbDeps,
  address: Address,
  { json }: Printing,
  out: Output,
): Promise<ExitCode> {
  return withMarks(deps, async (marks) => {
    const stored = await deadLetterAt(deps.log, address.partition, address.offset)
    if (stored === undefined) {
      out.note(absent(address))
      return 1
    }
    const bytes = bytesOf(deps, stored)
    const isWhole = bytes.length === stored.letter.payloadLength
    const command = isWhole ? commandIn(bytes) : undefined
    const mark = (await marks.of(DEAD_LETTERS)).get(textOf(stored))
    const content: JsonObject =
      command === undefined
        ? { payload: bytes.toString('base64'), truncated: !isWhole }
        : { command: commandToJson(command) }
    const shown = { ...letterToJson(stored, mark), ...content }
    if (json) out.result(JSON.stringify(shown))
    else {
      for (const [name, value] of Object.entries(shown)) {
        out.result(`${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
      }
    }
    return 0
  })
}

/** Appends the commands again, waits for their answers and marks them. 1 when one is not accepted or cannot be sent. */
export async function runDlqReplay(
  deps: VerbDeps,
  addresses: readonly Address[],
  printing: Printing,
  out: Output,
): Promise<ExitCode> {
  return withMarks(deps, async (marks) => {
    const follower = await followOutcomes(deps.log)
    const producer = deps.log.producer()
    try {
      return await each(addresses, deps, marks, printing, out, async (stored) => {
        const { operator } = deps.keys
        const bytes = bytesOf(deps, stored)
        const again = sendAgain(stored.letter, bytes, deps.log.partitions, operator)
        if ('problem' in again) return { done: false, sentence: again.problem }
        const answer = follower.next(again.command.commandId)
        await producer.append([again.record])
        const { verdict, sentence } = await answer
        // Marked when it is answered: a stop in between sends it twice at most, and its id is known then.
        await marks.set({ topic: DEAD_LETTERS, ...stored }, 'replayed')
        const done = verdict === 'accepted' || verdict === 'duplicate'
        return { done, sentence: `replayed: ${verdict}${sentence === null ? '' : `, ${sentence}`}` }
      })
    } finally {
      await follower.close()
    }
  })
}

/** Marks them as dealt with; what is in them stays until its retention. */
export async function runDlqDrop(
  deps: VerbDeps,
  addresses: readonly Address[],
  printing: Printing,
  out: Output,
): Promise<ExitCode> {
  return withMarks(deps, (marks) =>
    each(addresses, deps, marks, printing, out, async (stored) => {
      const done = await marks.set({ topic: DEAD_LETTERS, ...stored }, 'dropped')
      return { done, sentence: done ? 'dropped' : 'somebody has dealt with it meanwhile' }
    }),
  )
}

/** One by one, in the order given; what is not there or dealt with already is told and left alone. */
async function each(
  addresses: readonly Address[],
  { log }: VerbDeps,
  marks: DeadLetterMarks,
  { json }: Printing,
  out: Output,
  work: (stored: StoredLetter) => Promise<Omit<Done, 'address'>>,
): Promise<ExitCode> {
  const results: Done[] = []
  for (const address of addresses) {
    const stored = await deadLetterAt(log, address.partition, address.offset)
    const mark = (await marks.of(DEAD_LETTERS)).get(textOf(address))
    const result =
      stored === undefined
        ? { done: false, sentence: absent(address) }
        : mark === undefined
          ? await work(stored)
          : { done: false, sentence: markedSentence(mark) }
    const told = { address: textOf(address), ...result }
    results.push(told)
    if (!json) out.result(`${told.address} ${told.sentence}`)
  }
  if (json) out.result(JSON.stringify(results))
  return results.every(({ done }) => done) ? 0 : 1
}

async function withMarks<T>(
  { databaseUrl }: VerbDeps,
  work: (marks: DeadLetterMarks) => Promise<T>,
): Promise<T> {
  const marks = postgresDeadLetterMarks(databaseUrl, 'verb-dlq')
  try {
    return await work(marks)
  } finally {
    await marks.close()
  }
}

function textOf({ partition, offset }: Address): string {
  return `${partition}/${offset}`
}

function absent(address: Address): string {
  return `there is no dead letter at ${textOf(address)}`
}

function markedSentence({ mark, markedAt }: Mark): string {
  return `was ${mark} at ${markedAt.toISOString()}`
}

function letterToJson(stored: StoredLetter, mark: Mark | undefined): JsonObject {
  const { letter, key, setAsideAt } = stored
  const userId = key.toString()
  return {
    address: textOf(stored),
    cause: letter.cause,
    detail: letter.detail,
    setAsideAt: instantToJson(setAsideAt),
    // A key that is no id is whatever a producer wrote.
    userId: isId(userId) ? userId : null,
    topic: letter.topic,
    partition: letter.partition,
    offset: letter.offset,
    recordedAt: instantToJson(letter.recordedAt),
    bytes: letter.payloadLength,
    sha256: letter.payloadHash.toString('hex'),
    ...(mark === undefined ? {} : { [mark.mark]: mark.markedAt.toISOString() }),
  }
}

function lineOf(stored: StoredLetter, mark: Mark | undefined): string {
  const { letter, key, setAsideAt } = stored
  const userId = key.toString()
  const who = isId(userId) ? `, user ${userId}` : ''
  const from = `${letter.topic} ${letter.partition}/${letter.offset}`
  const dealt = mark === undefined ? '' : `, ${markedSentence(mark)}`
  const at = new Date(setAsideAt).toISOString()
  return `${textOf(stored)} ${letter.cause} ${at} from ${from}${who}: ${letter.detail}${dealt}`
}

/** A schema that was registered after the record was set aside is known by now. */
function bytesOf({ keys, log }: VerbDeps, { letter }: StoredLetter): Buffer {
  const bytes = openLetter(keys.operator, letter)
  return log.reread?.(bytes) ?? bytes
}
