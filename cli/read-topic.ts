/** What another program reads, for people and scripts: the records of a topic, opened with the keys of this machine. */
import { publicRecordToJson } from '../connectors/answer-json.ts'
import { openPersonal } from '../privacy/personal.ts'
import { partitionOf } from '../schemas/partition.ts'
import { publicTopics, type PublicRecord, type PublicTopic } from '../schemas/public-topics.ts'
import type { Log, Place, StoredRecord } from '../topology/log/log.ts'
import type { ReaderKeys } from '../topology/table-reader.ts'
import type { Address } from './dlq.ts'
import type { ExitCode } from './exit-codes.ts'
import type { Output } from './output.ts'

const SLICE = { records: 1_000, bytes: 1 << 20 } as const

type Deps = { readonly log: Log; readonly keys: ReaderKeys }

type Wanted = {
  readonly topic: PublicTopic
  readonly userId?: string
  /** Where to go on, by partition; the others from what is kept. */
  readonly after: readonly Address[]
}

/** Prints what there is; with `stop` what comes as well, until it fires. 1 when there was nothing. */
export async function readTopic(
  deps: Deps,
  wanted: Wanted,
  out: Output,
  stop?: AbortSignal,
): Promise<ExitCode> {
  const { userId, topic } = wanted
  const all = Array.from({ length: deps.log.partitions }, (_, partition) => partition)
  const own = userId === undefined ? all : [partitionOf(Buffer.from(userId), deps.log.partitions)]
  // At once: each of them may wait for what comes.
  const counts = await Promise.all(
    own.map((partition) => readPartition(deps, { topic, partition }, wanted, out, stop)),
  )
  if (counts.some((count) => count > 0) || stop !== undefined) return 0
  out.note(`${topic} has no such records`)
  return 1
}

async function readPartition(
  { log, keys }: Deps,
  place: Place & { readonly topic: PublicTopic },
  { userId, after }: Wanted,
  out: Output,
  stop: AbortSignal | undefined,
): Promise<number> {
  const start = await log.start(place)
  const behind = after.findLast(({ partition }) => partition === place.partition)
  let position = behind === undefined || behind.offset < start ? start : behind.offset + 1n
  let printed = 0
  for (const end = await log.end(place); stop === undefined ? position < end : !stop.aborted;) {
    const slice = await log.read(place, position, SLICE)
    const found = slice.records.filter(
      ({ key }) => userId === undefined || key.toString() === userId,
    )
    const opened = await keys.existingKeysOf([...new Set(found.map(({ key }) => key.toString()))])
    for (const stored of found) {
      const record = publicTopics[place.topic].decode(stored.value)
      out.result(lineOf(place.partition, stored, record, opened.get(record.userId)))
      printed++
    }
    await out.flushed()
    position = slice.next
    if (stop !== undefined && found.length === 0) await log.arrival(place, position, stop)
  }
  return printed
}

function lineOf(
  partition: number,
  { offset }: StoredRecord,
  record: PublicRecord,
  key: Parameters<typeof openPersonal>[0],
): string {
  const personal = 'personal' in record ? openPersonal(key, record) : undefined
  const address = `${partition}/${offset}`
  return JSON.stringify({ address, ...publicRecordToJson(record, personal) })
}
