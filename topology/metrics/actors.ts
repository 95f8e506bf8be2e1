/** Metrics of the actors role. */
import type { WaitObserver } from '../log/with-late-ids.ts'
import type { ActorObserver, LeaseState } from '../run-actors.ts'
import { connectionsGauge, offsetsLeft, roleMetrics, type ConnectionUse } from './role-metrics.ts'

export type ActorMetrics = {
  readonly observer: ActorObserver
  readonly waits: WaitObserver
  /** This process works on the partition no longer: another one says how it stands. */
  left(partition: number): void
  text(): Promise<string>
}

const leaseStates: readonly LeaseState[] = ['fencing', 'restoring', 'running', 'draining']

/** Of the actors role. */
export function actorMetrics(
  onFault: (partition: number, error: unknown) => void,
  connections?: () => ConnectionUse,
  now: () => number = Date.now,
): ActorMetrics {
  const { counter, gauge, histogram, text } = roleMetrics()
  const decided = counter({
    name: 'saldo_commands_decided_total',
    help: 'Commands answered, by verdict. A rise of failed is a bug of ours: look at the dead letters.',
    labelNames: ['verdict'],
  })
  const deadLetters = counter({
    name: 'saldo_dead_letters_total',
    help: 'Records set aside. A rise means a producer sends what cannot be read, or that we failed.',
  })
  const parked = counter({
    name: 'saldo_ledgers_parked_total',
    help: 'Times that a ledger was parked because we failed on one of its commands. Any needs an operator: saldo unpark.',
  })
  const batch = histogram({
    name: 'saldo_batch_commands',
    help: 'Commands per committed batch. Always at the limit means that the engine is behind.',
    buckets: [1, 10, 50, 100, 250, 500, 1000],
  })
  const state = gauge({
    name: 'saldo_lease_state',
    help: 'State of each partition that this process works on: 1 for the one it is in. Anything but running for long needs a look.',
    labelNames: ['partition', 'state'],
  })
  const restoring = gauge({
    name: 'saldo_restore_left_offsets',
    help: 'Offsets of events that a take-over still has to fold before it takes commands. Much after an upgrade means that states are made anew, which happens once.',
    labelNames: ['partition'],
  })
  const waitingSince = new Map<number, number>()
  gauge({
    name: 'saldo_registry_wait_seconds',
    help: 'For how long a partition waits for the schema registry to say what an unknown id is; shown while it does.',
    labelNames: ['partition'],
    collect() {
      this.reset()
      for (const [partition, since] of waitingSince) this.set({ partition }, (now() - since) / 1000)
    },
  })
  connectionsGauge(gauge, {
    name: 'saldo_actor_connections',
    help: 'Connections of the actors to the database for keys by state, and reads that wait for one.',
    labelNames: ['state'],
    use: connections,
  })
  return {
    observer: {
      restoring: (partition, { position, end }) =>
        restoring.set({ partition }, offsetsLeft(position, end)),
      state(partition, current) {
        for (const name of leaseStates)
          state.set({ partition, state: name }, name === current ? 1 : 0)
      },
      committed(_partition, { answers, deadLetters: letters }) {
        for (const { outcome } of answers) {
          decided.inc({ verdict: outcome.verdict })
          if (outcome.verdict === 'failed') parked.inc()
        }
        deadLetters.inc(letters)
        batch.observe(answers.length)
      },
      fault: onFault,
    },
    left(partition) {
      for (const name of leaseStates) state.remove({ partition, state: name })
      restoring.remove({ partition })
    },
    waits(partition, waits) {
      if (waits === undefined) waitingSince.delete(partition)
      else if (!waitingSince.has(partition)) waitingSince.set(partition, now())
    },
    text,
  }
}
