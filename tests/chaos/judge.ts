import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { join } from 'node:path'
import { householdModel, type HouseholdModel } from '../support/household-model.ts'
import { judgeAnswers } from './judge-answers.ts'
import { judgeEvents } from './judge-events.ts'
import type { Sender } from './sender.ts'
import type { World } from './world.ts'

/** What a run left behind, held against a model that has only seen what was sent. */
export type Judgement = {
  readonly outcomes: number
  readonly deadLetters: number
  readonly events: number
  /** Commands without exactly one outcome, or with another one than the model's; records of nobody's commands. */
  readonly wrongOutcomes: number
  /** Events that no answer names, or twice, or out of turn; answers whose events are not there. */
  readonly wrongEvents: number
  readonly wrongBalances: number
  /** What `saldo verify` counts: chain, sequences, versions, tables, checkpoints. */
  readonly verifyDifferences: number
  /** The first of each kind, with where to look. */
  readonly findings: readonly string[]
}

const MAIN = join(import.meta.dirname, '..', '..', 'cli', 'main.ts')
const FINDINGS_MAX = 4
const NOT_REACHABLE = 3

/** Call when everything is processed and the engines are drained. */
export async function judge(world: World, sender: Sender): Promise<Judgement> {
  const witness = await world.witness()
  const model = householdModel()
  const findings: string[] = [...witness.findings]
  let [outcomes, deadLetters, events, wrongOutcomes, wrongEvents] = [0, 0, 0, 0, 0]
  for (const [partition, sent] of sender.sent.entries()) {
    const answers = await judgeAnswers(witness, model, partition, sent, world.setAside)
    const facts = await judgeEvents(witness, partition, answers.eventIds)
    outcomes += answers.outcomes
    deadLetters += answers.deadLetters
    events += facts.events
    wrongOutcomes += answers.wrong.length
    wrongEvents += facts.wrong.length
    findings.push(...answers.wrong.slice(0, FINDINGS_MAX), ...facts.wrong.slice(0, FINDINGS_MAX))
  }
  for (const [hash, left] of world.setAside) {
    if (left > 0) findings.push(`no dead letter of the record with the hash ${hash}`)
  }
  const balances = await wrongBalances(world, model)
  findings.push(...balances.slice(0, FINDINGS_MAX))
  const verified = await runVerify(world.settings)
  if (verified.differences > 0) {
    findings.push(`saldo verify: ${JSON.stringify(verified.details?.slice(0, FINDINGS_MAX))}`)
  }
  if (events !== verified.events) {
    findings.push(`saldo verify counts ${verified.events} events, the log holds ${events}`)
  }
  return {
    outcomes,
    deadLetters,
    events,
    wrongOutcomes,
    wrongEvents,
    wrongBalances: balances.length,
    verifyDifferences: verified.differences,
    findings,
  }
}

async function wrongBalances({ query }: World, model: HouseholdModel): Promise<readonly string[]> {
  const rows = await query(
    "SELECT user_id || ' ' || account_id AS account, balance_minor::text AS minor FROM accounts",
  )
  const found = new Map(rows.map(({ account, minor }) => [String(account), BigInt(String(minor))]))
  const expected = model.balances()
  return [...new Set([...found.keys(), ...expected.keys()])]
    .filter((account) => found.get(account) !== expected.get(account))
    .map((account) => `${account} has ${found.get(account)}, not ${expected.get(account)}`)
}

type Verified = {
  readonly events: number
  readonly differences: number
  readonly details?: readonly unknown[]
}

/** As anybody runs it: `npx saldo verify --json`, and again where a busy machine did not answer it in time. */
async function runVerify(settings: World['settings'], triesLeft = 10): Promise<Verified> {
  const child = spawn(process.execPath, [MAIN, 'verify', '--json'], {
    env: { ...process.env, ...settings },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [printed, [code]] = await Promise.all([text(child.stdout), once(child, 'close')])
  if (code === NOT_REACHABLE && triesLeft > 1) return await runVerify(settings, triesLeft - 1)
  if (code !== 0 && code !== 1) throw new Error(`saldo verify ended with ${String(code)}`)
  return JSON.parse(printed) as Verified
}
