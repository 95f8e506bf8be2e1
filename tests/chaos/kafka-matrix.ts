import { killAtRandom } from './faults/kill.ts'
import {
  cutProduce,
  killBroker,
  lateEndRequest,
  loseEndAnswer,
  loseEndRequest,
  loseProduceAnswer,
  moveCoordinator,
} from './faults/broker.ts'
import {
  commitPhases,
  killAtCommitPhases,
  killAtTakeOverPhases,
  takeOverPhases,
} from './faults/commit-phases.ts'
import { fillDisk, killServer } from './faults/database.ts'
import type { Fault } from './faults/fault.ts'
import { registryAway } from './faults/registry.ts'
import { poisonRecords, unknownSchemas } from './faults/records.ts'
import { joinAndLeave, rollingRestart, zombie } from './faults/stop.ts'

/** One line of the matrix: a world of its own, and one kind of fault again and again. */
export type Row = {
  /** For the command line. */
  readonly id: string
  readonly fault: Fault
  readonly times: number
  readonly engines: number
  readonly brokers: 1 | 3
  /** Of all commands one user sends this share. */
  readonly hot?: number
  /** Records carry the ids of a schema registry. */
  readonly hasRegistry?: boolean
  /** In place of the fault's. */
  readonly name?: string
}

const row = (id: string, fault: Fault, times: number, more: Partial<Row> = {}): Row => ({
  id,
  fault,
  times,
  engines: 2,
  brokers: 1,
  ...more,
})

const JOIN_MINUTES = 5
const HOT = 0.3

export const matrix: readonly Row[] = [
  row('kill', killAtRandom, 6),
  row('commit-phases', killAtCommitPhases(), commitPhases.length),
  row('take-over-phases', killAtTakeOverPhases(), takeOverPhases.length),
  row('zombie', zombie, 4),
  row('broker', killBroker, 4),
  row('end-request', loseEndRequest, 8),
  row('end-answer', loseEndAnswer, 8),
  row('end-late', lateEndRequest, 4),
  row('produce-cut', cutProduce, 8),
  row('produce-answer', loseProduceAnswer, 8),
  row('coordinator', moveCoordinator, 4, { brokers: 3 }),
  row('rolling', rollingRestart, 3, { engines: 3 }),
  row('postgres', killServer, 4),
  row('disk', fillDisk, 3),
  row('registry', registryAway, 4, { hasRegistry: true }),
  row('join-leave', joinAndLeave(JOIN_MINUTES), 1, { engines: 4 }),
  row('hot-user', killAtRandom, 4, {
    hot: HOT,
    name: `kill -9, any moment, and one user sends ${HOT * 100} % of all commands`,
  }),
  row('poison', poisonRecords, 5),
  row('newer-schema', unknownSchemas, 5),
]

/** The cheapest handful, for a run that people wait for. */
export const shortForm: readonly Fault[] = [
  killAtCommitPhases(commitPhases.filter(({ point }) => point.name === 'EndTxn')),
  loseEndRequest,
  loseEndAnswer,
  cutProduce,
  poisonRecords,
]
