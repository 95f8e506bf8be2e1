import { randomUUID } from 'node:crypto'
import { createReadStream, statSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { outcomeToJson } from '../connectors/answer-json.ts'
import { commandFromJson } from '../connectors/command-json.ts'
import { recordOf } from '../connectors/command-record.ts'
import { SaldoError } from '../schemas/errors.ts'
import type { Log, NewRecord } from '../topology/log/log.ts'
import type { ExitCode } from './exit-codes.ts'
import { followOutcomes } from './outcome-follower.ts'
import type { Output } from './output.ts'
import { publisher } from './publisher.ts'

/** Commands whose answers may be outstanding; above it reading waits. */
const OUTSTANDING_MAX = 20_000

/** Lines of a file or of standard input (`-`). */
export function linesOf(file: string): AsyncIterable<string> {
  if (file !== '-' && statSync(file, { throwIfNoEntry: false })?.isDirectory() !== false) {
    throw new SaldoError('SALDO_USAGE', `there is no file "${file}"`)
  }
  return {
    // Opened when it is read: lines that arrive before somebody listens are lost.
    [Symbol.asyncIterator]() {
      const input = file === '-' ? process.stdin : createReadStream(file)
      return createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })[Symbol.asyncIterator]()
    },
  }
}

/** Publishes every valid line; with `wait`, prints the answer to each as it comes. 1 when a line is invalid or refused. */
export async function send(
  log: Log,
  lines: AsyncIterable<string>,
  { wait }: { readonly wait: boolean },
  out: Output,
): Promise<ExitCode> {
  const follower = wait ? await followOutcomes(log) : undefined
  const sender = publisher(log)
  const outstanding = new Set<Promise<void>>()
  let failures = 0
  let number = 0
  let sent = 0
  for await (const line of lines) {
    number++
    if (line.trim() === '') continue
    const read = readLine(line, number, log.partitions, out)
    if (read === undefined) {
      failures++
      continue
    }
    sent++
    if (follower !== undefined) {
      const answer = follower.next(read.commandId).then((outcome) => {
        if (outcome.verdict !== 'accepted' && outcome.verdict !== 'duplicate') failures++
        out.result(JSON.stringify(outcomeToJson(outcome)))
        outstanding.delete(answer)
      })
      outstanding.add(answer)
    }
    await sender.publish(read.record)
    if (outstanding.size >= OUTSTANDING_MAX) {
      await sender.flush()
      await Promise.race(outstanding)
      await out.flushed()
    }
  }
  await sender.flush()
  await Promise.all(outstanding)
  await follower?.close()
  out.note(`${sent} ${sent === 1 ? 'command' : 'commands'} sent${wait ? ' and answered' : ''}`)
  return failures > 0 ? 1 : 0
}

/** The record of a line; an invalid line is answered at once and sent nowhere. */
function readLine(
  line: string,
  number: number,
  partitions: number,
  out: Output,
): { readonly commandId: string; readonly record: NewRecord } | undefined {
  try {
    const command = commandFromJson(JSON.parse(line), { now: Date.now(), newId: randomUUID })
    return { commandId: command.commandId, record: recordOf(command, partitions) }
  } catch (error) {
    if (!(error instanceof SaldoError || error instanceof SyntaxError)) throw error
    out.result(JSON.stringify({ line: number, verdict: 'invalid', sentence: error.message }))
    return undefined
  }
}
