import { expect, test } from 'vitest'
import { unreadAlarm } from '../../topology/unread-alarm.ts'

test('commands that wait for too long are told of once, and once when it is over', () => {
  const told: string[] = []
  const look = unreadAlarm({
    limitMs: 1_000,
    onRaised: (partition, ageMs) => told.push(`${partition} waits ${ageMs}`),
    onOver: (partition) => told.push(`${partition} is over`),
  })
  look(
    new Map([
      [0, 1_000],
      [1, 0],
    ]),
  )
  expect(told).toEqual([])
  look(
    new Map([
      [0, 1_001],
      [1, 5_000],
    ]),
  )
  look(new Map([[0, 2_000]]))
  expect(told.splice(0)).toEqual(['0 waits 1001', '1 waits 5000'])
  look(
    new Map([
      [0, 1_000],
      [1, 6_000],
    ]),
  )
  look(new Map([[0, 1_500]]))
  expect(told).toEqual(['0 is over', '0 waits 1500'])
})
