import { expect, test } from 'vitest'
import { needsOf } from '../../bench/kafka/paper.ts'

const costs = {
  commandsPerSecond: 9000,
  engineMicros: 100.2,
  brokerMicros: 11,
  checkpointMicros: 33,
  tablesNodeMicros: 75,
  tablesPostgresMicros: 99.5,
  commandBytes: 230,
  eventBytes: 430,
  outcomeBytes: 210,
}

test('at a million commands a second a microsecond each is a core, and a byte each a megabyte', () => {
  expect(needsOf(costs)).toMatchObject({
    engineCores: 101,
    brokerCores: 11,
    checkpointCores: 33,
    tablesNodeCores: 75,
    tablesPostgresCores: 100,
    megabytesInPerSecond: 870,
    megabytesOutPerSecond: 870,
    terabytesOfEventsPerDay: 38,
  })
})

test('there are as many processes as their rate asks for, with partitions to spread', () => {
  expect(needsOf(costs)).toMatchObject({ engineProcesses: 112, partitions: 448 })
})
