/** What a million commands per second would need, from the unit costs that this run measured: a calculation on paper. */

/** Microseconds of CPU per command, commands per second, and bytes of a record with its key. */
export type UnitCosts = {
  readonly commandsPerSecond: number
  readonly engineMicros: number
  readonly brokerMicros: number
  readonly checkpointMicros: number
  readonly tablesNodeMicros: number
  readonly tablesPostgresMicros: number
  readonly commandBytes: number
  readonly eventBytes: number
  readonly outcomeBytes: number
}

export type Needs = {
  readonly engineCores: number
  readonly engineProcesses: number
  readonly partitions: number
  readonly brokerCores: number
  readonly checkpointCores: number
  readonly tablesNodeCores: number
  readonly tablesPostgresCores: number
  /** Into the brokers, and out of them to actors and tables; replication comes on top, once for each further replica. */
  readonly megabytesInPerSecond: number
  readonly megabytesOutPerSecond: number
  readonly terabytesOfEventsPerDay: number
}

const COMMANDS_PER_SECOND = 1_000_000
const SECONDS_PER_DAY = 86_400
/** So that a process more or less, or one that is gone, leaves the rest evenly loaded. */
const PARTITIONS_PER_PROCESS = 4

/** A microsecond per command is a core at a million of them. */
export function needsOf(costs: UnitCosts): Needs {
  const { commandBytes, eventBytes, outcomeBytes } = costs
  const processes = Math.ceil(COMMANDS_PER_SECOND / costs.commandsPerSecond)
  return {
    engineCores: Math.ceil(costs.engineMicros),
    engineProcesses: processes,
    partitions: processes * PARTITIONS_PER_PROCESS,
    brokerCores: Math.ceil(costs.brokerMicros),
    checkpointCores: Math.ceil(costs.checkpointMicros),
    tablesNodeCores: Math.ceil(costs.tablesNodeMicros),
    tablesPostgresCores: Math.ceil(costs.tablesPostgresMicros),
    megabytesInPerSecond: Math.ceil(commandBytes + eventBytes + outcomeBytes),
    // Actors read the commands, tables the events, and the reader of outcomes the outcomes.
    megabytesOutPerSecond: Math.ceil(commandBytes + eventBytes + outcomeBytes),
    terabytesOfEventsPerDay: Math.ceil((eventBytes * SECONDS_PER_DAY) / 1e6),
  }
}
