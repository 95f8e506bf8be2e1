/** The log on one broker that is killed and comes back on the same address with what it stored. */
import { expect, test } from 'vitest'
import { kafkaLog } from '../../topology/log/kafka-log.ts'
import { groupPlace, place, readAll, texts } from '../contracts/log-records.ts'
import { describeOwnKafka } from '../support/kafka.ts'
import { appends, commits, numbered, reads } from '../support/log-traffic.ts'

const TIMEOUT_MS = 240_000
const MORE = 20

describeOwnKafka('the log', (kafka) => {
  test(
    'a broker that is killed under appends, commits and reads loses and doubles nothing',
    { timeout: TIMEOUT_MS },
    async () => {
      const [appended, committed] = [place('ledger.events', 0), place('ledger.events', 1)]
      const log = await kafkaLog({ brokers: [kafka.broker.address], partitions: 2, role: 'test' })
      const appending = appends(log, appended)
      const committing = commits(log, groupPlace(), committed)
      const reading = reads(log, committed)
      const all = [appending, committing, reading]
      await Promise.all(all.map((one) => one.more(MORE)))
      await kafka.broker.kill()
      await kafka.broker.start()
      await Promise.all(all.map((one) => one.more(MORE)))
      const appendedTexts = numbered(await appending.end())
      const committedTexts = numbered(await committing.end())
      await reading.more(committedTexts.length - reading.seen.length)
      await reading.end()
      expect(reading.seen).toEqual(committedTexts)
      expect(texts(await readAll(log, appended))).toEqual(appendedTexts)
      expect(texts(await readAll(log, committed))).toEqual(committedTexts)
      await log.close()
    },
  )
})
