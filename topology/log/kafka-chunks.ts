import type { NewRecord } from './log.ts'

/** What goes to one partition in one request. */
export type Chunk = {
  readonly topic: NewRecord['topic']
  readonly partition: number
  readonly records: readonly NewRecord[]
}

// A broker takes about a megabyte at once by default, and every record has some bytes around it.
const CHUNK_BYTES_MAX = 900_000
const RECORD_OVERHEAD_BYTES = 32

/**
 * Rounds of requests: each has at most one chunk of a partition, and the chunks of a partition keep their order. A
 * record that is too large makes a chunk of its own, which the broker refuses.
 */
export function inRounds(records: readonly NewRecord[]): readonly (readonly Chunk[])[] {
  const byPlace = Map.groupBy(records, ({ topic, partition }) => `${topic}/${partition}`)
  const rounds: Chunk[][] = []
  for (const own of byPlace.values()) {
    for (const [round, chunk] of chunksOf(own).entries()) (rounds[round] ??= []).push(chunk)
  }
  return rounds
}

function chunksOf(records: readonly NewRecord[]): readonly Chunk[] {
  const chunks: NewRecord[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const record of records) {
    const size = record.key.length + record.value.length + RECORD_OVERHEAD_BYTES
    bytes += size
    if (bytes > CHUNK_BYTES_MAX) {
      chunks.push([])
      bytes = size
    }
    chunks.at(-1)?.push(record)
  }
  return chunks.flatMap((own) => {
    const [first] = own
    return first === undefined
      ? []
      : [{ topic: first.topic, partition: first.partition, records: own }]
  })
}
