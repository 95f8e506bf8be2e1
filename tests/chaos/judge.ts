import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { join } from 'node:path'
import { deadLetterCodec, outcomeCodec } from '../../schemas/codec.ts'
import type { Outcome } from '../../schemas/types.ts'
import type { TopicName } from '../../schemas/topics.ts'
import type { Log, StoredRecord } from '../../topology/log/log.ts'
import type { Sent, Sender } from './sender.ts'
import type { World } from './world.ts'

/** What a run left behind, held against a model that has only seen what was sent. */
export type Judgement = {
  readonly outcomes: number
  readonly events: number
  /** Commands without exactly one outcome, or with another one than the model's; records of nobody's commands. */
  readonly wrongOutcomes: number
  /** Events that no answer names, answers whose events are not there. */
  readonly wrongEvents: number
  readonly wrongBalances: number
  /** What `saldo verify` counts: chain, sequences, versions, tables, checkpoints. */
  readonly verifyDifferences: number
  /** The first of each kind, with where to look. */
  readonly findings: readonly string[]
}

const MAIN = join(import.meta.dirname, '..', '..', 'cli', 'main.ts')
const SLICE = { records: 5_000, bytes: 8_000_000 }
const FINDINGS_MAX = 4
const NEIGHBOURS = 4

/** Call when everything is processed and the engines are drained. */
export async function judge(world: World, sender: Sender): Promise<Judgement> {
  const findings: string[] = []
  const answers = await Promise.all(
    sender.sent.map((sent, partition) => judgeAnswers(world.log, partition, sent)),
  )
  for (const { wrong } of answers) findings.push(...wrong.slice(0, FINDINGS_MAX))
  const balances = await wrongBalances(world, sender)
  findings.push(...balances.slice(0, FINDINGS_MAX))
  const verified = await runVerify(world.settings)
  if (verified.differences > 0) {
    findings.push(`saldo verify: ${JSON.stringify(verified.details?.slice(0, FINDINGS_MAX))}`)
  }
  const promised = sum(answers.map(({ events }) => events))
  if (promised !== verified.events) {
    findings.push(`the answers name ${promised} events, the log holds ${verified.events}`)
  }
  return {
    outcomes: sum(answers.map(({ outcomes }) => outcomes)),
    events: verified.events,
    wrongOutcomes: sum(answers.map(({ wrong }) => wrong.length)),
    wrongEvents: Math.abs(promised - verified.events),
    wrongBalances: balances.length,
    verifyDifferences: verified.differences,
    findings,
  }
}

async function judgeAnswers(
  log: Log,
  partition: number,
  sent: readonly Sent[],
): Promise<{ readonly outcomes: number; readonly events: number; readonly wrong: string[] }> {
  const found = new Map<number, Outcome[]>()
  const wrong: string[] = []
  let [outcomes, events] = [0, 0]
  for await (const { value } of recordsOf(log, 'ledger.outcomes', partition)) {
    const outcome = outcomeCodec.decode(value)
    outcomes++
    if (outcome.verdict === 'accepted') events += outcome.eventIds.length
    const { commandOffset } = outcome
    found.set(commandOffset, [...(found.get(commandOffset) ?? []), outcome])
  }
  const ours = new Set(sent.map(({ command }) => command.commandId))
  const end = Number(await log.end({ topic: 'ledger.commands', partition }))
  let next = 0
  for (let offset = 0; offset < end; offset++) {
    const answers = found.get(offset) ?? []
    found.delete(offset)
    const [only] = answers
    // The clock tells every ledger the time; what it sends is between ours, and has one answer too.
    const isOurs = only === undefined || ours.has(only.commandId)
    const wanted = isOurs ? sent[next] : undefined
    const isRight =
      wanted === undefined
        ? !isOurs
        : only?.verdict === wanted.expected && only.commandId === wanted.command.commandId
    if (answers.length !== 1 || !isRight) {
      wrong.push(wrongAnswer({ partition, offset, sent, index: next, answers }))
    }
    if (isOurs) next++
  }
  if (next !== sent.length)
    wrong.push(`partition ${partition} holds ${next} of ${sent.length} commands`)
  for (const offset of found.keys()) {
    wrong.push(`an outcome of ${partition}:${offset}, where no command is`)
  }
  for await (const { value } of recordsOf(log, 'ledger.dead-letters', partition)) {
    const { offset, cause } = deadLetterCodec.decode(value)
    wrong.push(`a dead letter (${cause}) of ${partition}:${offset}`)
  }
  return { outcomes, events, wrong }
}

/** The command, what was answered, and what its user sent before and after. */
function wrongAnswer({
  partition,
  offset,
  sent,
  index,
  answers,
}: {
  readonly partition: number
  readonly offset: number
  readonly sent: readonly Sent[]
  readonly index: number
  readonly answers: readonly Outcome[]
}): string {
  const at = sent[index]
  const said = answers.map(({ verdict, code, commandId }) => `${commandId} ${code ?? verdict}`)
  const own = [...sent.entries()].filter(([, one]) => one.command.userId === at?.command.userId)
  const place = own.findIndex(([position]) => position === index)
  const neighbours = own
    .slice(Math.max(0, place - NEIGHBOURS), place + NEIGHBOURS)
    .map(([position, { command, expected }]) => {
      const mark = position === index ? '→' : ' '
      return `  ${mark} ${expected} ${command.commandId} ${JSON.stringify(command.body)}`
    })
  return [
    `${partition}:${offset} of ${at?.command.userId}: ${at?.expected} was expected, found [${said.join(', ')}]`,
    ...neighbours,
  ].join('\n')
}

async function wrongBalances({ query }: World, sender: Sender): Promise<readonly string[]> {
  const rows = await query(
    "SELECT user_id || ' ' || account_id AS account, balance_minor::text AS minor FROM accounts",
  )
  const found = new Map(rows.map(({ account, minor }) => [String(account), BigInt(String(minor))]))
  const expected = sender.balances()
  return [...new Set([...found.keys(), ...expected.keys()])]
    .filter((account) => found.get(account) !== expected.get(account))
    .map((account) => `${account} has ${found.get(account)}, not ${expected.get(account)}`)
}

type Verified = {
  readonly events: number
  readonly differences: number
  readonly details?: readonly unknown[]
}

/** As anybody runs it: `npx saldo verify --json`. */
async function runVerify(settings: World['settings']): Promise<Verified> {
  const child = spawn(process.execPath, [MAIN, 'verify', '--json'], {
    env: { ...process.env, ...settings },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [printed, [code]] = await Promise.all([text(child.stdout), once(child, 'close')])
  if (code !== 0 && code !== 1) throw new Error(`saldo verify ended with ${String(code)}`)
  return JSON.parse(printed) as Verified
}

async function* recordsOf(
  log: Log,
  topic: TopicName,
  partition: number,
): AsyncGenerator<StoredRecord> {
  const end = await log.end({ topic, partition })
  for (let position = 0n; position < end;) {
    const { records, next } = await log.read({ topic, partition }, position, SLICE)
    yield* records
    position = next
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0)
}
