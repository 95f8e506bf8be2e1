/** Whoever sends commands in a scenario: producers of several releases, clocks, and somebody who erases a user. */
import { codecOf } from '../../schemas/codec.ts'
import { releasedSchemas } from '../../schemas/released-schemas.ts'
import type { LedgerCommand } from '../../schemas/types.ts'
import type { ClockProgress, ClockStore } from '../../sink/clock-store.ts'
import { duePass, tellSome } from '../../topology/advance-time.ts'
import type { NewRecord } from '../../topology/log/log.ts'
import { commandRecord, turn, type World } from '../support/actor-world.ts'
import { poisoned } from '../support/poison.ts'
import { ofNext } from '../support/release.ts'
import type { Scenario } from './scenario.ts'

export const users = ['user-1', 'user-2', 'user-3'] as const

/** Sends everything; `sent` hears of every portion. */
export async function sendAll(
  { log, keys }: World,
  given: Scenario,
  clock: { readonly jump: (ms: number) => void; readonly now: () => number },
  sent: (sendings: number) => void,
): Promise<void> {
  const records = recordsOf(given)
  const producer = log.producer()
  const clocks = Array.from({ length: given.clocks }, clockStore)
  const { records: portion, clockJumpsMs, pauseTurns } = given.sending
  for (let sendings = 0; sendings * portion < records.length; sendings++) {
    clock.jump(clockJumpsMs[sendings % clockJumpsMs.length] ?? 0)
    await producer.append(records.slice(sendings * portion, (sendings + 1) * portion))
    for (const store of clocks) {
      const pass = duePass(await store.progress(), await store.timeZones(), clock.now())
      const { partitions } = log
      if (pass !== undefined)
        await tellSome(pass, { store, producer, partitions, now: clock.now() })
    }
    sent(sendings)
    for (let turns = 0; turns < pauseTurns; turns++) await turn()
    if (given.erased?.afterSendings === sendings) keys.shred(given.erased.userId)
  }
}

function recordsOf({
  commands,
  garbageEvery,
  poisonEvery,
  partitions,
  releases: { first, rollouts, oldProducerEvery, nextProducers },
}: Scenario): NewRecord[] {
  const garbage = Buffer.from('not a command')
  const isNextRead = [first, ...rollouts.map(({ release }) => release)].every(
    ({ readsNext }) => readsNext,
  )
  return commands.flatMap((plain, n) => {
    const command: LedgerCommand = isNth(n, poisonEvery) ? poisoned(plain) : plain
    const current = commandRecord(command, partitions)
    const record = isNth(n, oldProducerEvery)
      ? ofOldProducer(command, current)
      : nextProducers && isNextRead
        ? ofNext(current)
        : current
    return isNth(n, garbageEvery) ? [{ ...record, value: garbage }, record] : [record]
  })
}

function isNth(n: number, every: number): boolean {
  return every > 0 && n % every === 0
}

const [oldest, ...later] = releasedSchemas('saldo.ledger.v1.LedgerCommand')
const oldCodec = codecOf<LedgerCommand>(oldest === undefined ? later : [oldest])
const OLD_WISHES: ReadonlySet<string> = new Set([
  'OpenAccount',
  'RenameAccount',
  'RecordTransaction',
  'AmendTransaction',
  'OverrideCategory',
  'CreateCategory',
  'DeleteCategory',
])

/** As the first release wrote it, where it knew such a wish. */
function ofOldProducer(command: LedgerCommand, current: NewRecord): NewRecord {
  if (!OLD_WISHES.has(command.body.type)) return current
  return { ...current, value: oldCodec.encode(command) }
}

const EASTERN_USER = 'user-2'
const FAR_EAST = 'Pacific/Auckland'

function clockStore(): ClockStore {
  let progress: ClockProgress | undefined
  return {
    progress: () => Promise.resolve(progress),
    move(moved) {
      progress = moved
      return Promise.resolve()
    },
    timeZones: () => Promise.resolve([FAR_EAST]),
    ledgersAfter: (afterUser, { zones, unset }) =>
      Promise.resolve({
        userIds: users
          .filter((user) => (user === EASTERN_USER ? zones.includes(FAR_EAST) : unset))
          .filter((user) => user > afterUser),
        through: undefined,
      }),
    // Parked commands stay.
    parkingsOf: () => Promise.resolve([]),
    readTo: () => Promise.resolve([]),
    commandsDecided: () => Promise.resolve([]),
    close: () => Promise.resolve(),
  }
}
