import { createHash } from 'node:crypto'
import { commandCodec } from '../../../schemas/codec.ts'
import type { NewRecord } from '../../../topology/log/log.ts'
import { recordIn, userIn, wish, withSchemaId } from '../../hostile/hostile-records.ts'
import type { World } from '../world.ts'
import { never, type Fault } from './fault.ts'

/** Later than any that there is. */
const NEWER = 1_000
const UNKNOWN_RECORDS = 50

/** What nobody can read, what is cut off, and what has come to the wrong partition. */
export const poisonRecords: Fault = {
  name: 'poison records in every partition',
  share: 1,
  missing: never,
  async strike(world, injected) {
    const { partitions } = world.log
    const records = everyPartition(world).flatMap((partition) => {
      const good = commandOf(userIn(partition, partitions, 'poison'))
      const stranger = userIn((partition + 1) % partitions, partitions, 'poison')
      const mark = Buffer.from(`${partition} ${world.random.whole(0, 2 ** 31)}`)
      return [
        recordIn(partition, 'noise', Buffer.concat([Buffer.from([0xff]), mark])),
        recordIn(partition, 'cut', Buffer.concat([good.subarray(0, 20), mark])),
        recordIn(partition, stranger, commandOf(stranger)),
      ]
    })
    return await sentAside(world, records, injected)
  },
}

/** As of producers that were released before the engine. */
export const unknownSchemas: Fault = {
  name: 'records of an unknown newer schema',
  share: 1,
  missing: never,
  async strike(world, injected) {
    const { partitions } = world.log
    const records = everyPartition(world).flatMap((partition) => {
      const userId = userIn(partition, partitions, 'newer')
      return Array.from({ length: UNKNOWN_RECORDS }, () =>
        recordIn(partition, userId, withSchemaId(commandOf(userId), commandCodec.schemaId + NEWER)),
      )
    })
    return await sentAside(world, records, injected)
  },
}

/** Each is due to become a dead letter, and to hold nobody up. */
async function sentAside(
  { log, setAside }: World,
  records: readonly NewRecord[],
  injected: () => void,
): Promise<string> {
  for (const { value } of records) {
    const hash = createHash('sha256').update(value).digest('hex')
    setAside.set(hash, (setAside.get(hash) ?? 0) + 1)
  }
  const producer = log.producer({ retryForMs: 60_000 })
  await producer.append(records)
  await producer.close()
  injected()
  return `${records.length} records`
}

function commandOf(userId: string): Buffer {
  return commandCodec.encode(
    wish(userId, { type: 'CreateCategory', categoryId: 'c-1', name: 'poison' }),
  )
}

function everyPartition({ log }: World): readonly number[] {
  return Array.from({ length: log.partitions }, (_, partition) => partition)
}
