/** Named points of the loops: the statements that the engine sends, and the moments around each. */

export type When =
  /** Nothing was sent. */
  | 'before'
  /** Sent, and nobody will hear the answer. */
  | 'during'
  /** Answered, and nobody was told. */
  | 'after'

/** A point by name, text that only its statement has, and how often it is passed at most before the one that counts. */
export type Point = { readonly name: string; readonly text: string; readonly skipMax: number }

/** A process that finds its order ends, or stops, at the `skip`-th next time that it comes there. */
export type Order = {
  readonly text: string
  readonly when: When
  readonly signal: 'SIGKILL' | 'SIGSTOP'
  readonly skip: number
}

/** What an engine at work does again and again. */
export const loopPoints: readonly Point[] = [
  { name: 'read commands', text: 'SELECT "offset", key, value', skipMax: 5 },
  { name: 'load states', text: 'FROM actor_checkpoints', skipMax: 5 },
  { name: 'commit', text: 'SELECT log_commit(', skipMax: 5 },
  { name: 'copy checkpoint', text: 'COPY incoming_checkpoint', skipMax: 5 },
  { name: 'save checkpoint', text: 'SELECT save_checkpoint(', skipMax: 5 },
  { name: 'move tables', text: 'SELECT move_progress(', skipMax: 5 },
  { name: 'heartbeat', text: 'SELECT lease_beat(', skipMax: 5 },
]

/** What only an engine does that takes a partition over: of four partitions two engines have two each. */
export const takeOverPoints: readonly Point[] = [
  { name: 'fence the log', text: 'INSERT INTO log_groups', skipMax: 1 },
  { name: 'fence the checkpoints', text: 'take_over_checkpoints(', skipMax: 1 },
]

/** Before the name of a request to a broker. */
export const KAFKA = 'kafka:'

const request = (name: string): Point => ({ name, text: `${KAFKA} ${name}`, skipMax: 3 })

/** A commit on Kafka, request by request; what a broker without KIP-890 is asked besides is not among them. */
export const kafkaCommit: readonly Point[] = [
  request('Produce'),
  request('TxnOffsetCommit'),
  request('EndTxn'),
]

/** What only an engine does that takes a partition over on Kafka: fence, offset, checkpoints. */
export const kafkaTakeOver: readonly Point[] = [
  { ...request('InitProducerId'), skipMax: 1 },
  { ...request('OffsetFetch'), skipMax: 1 },
  { name: 'fence the checkpoints', text: 'take_over_checkpoints(', skipMax: 1 },
]

export const moments: readonly When[] = ['before', 'during', 'after']

/** The file that a process looks for. */
export const ORDERS_VARIABLE = 'SALDO_CHAOS_ORDERS'

export function orderFile(folder: string, pid: number): string {
  return `${folder}/order-${pid}.json`
}
