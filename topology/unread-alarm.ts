/** Says once that the commands of a partition wait for too long, and once that they wait no more. */
export type UnreadAlarm = (ageMs: ReadonlyMap<number, number>) => void

export function unreadAlarm(options: {
  readonly limitMs: number
  readonly onRaised: (partition: number, ageMs: number) => void
  readonly onOver: (partition: number) => void
}): UnreadAlarm {
  const raised = new Set<number>()
  return (ages) => {
    for (const [partition, ageMs] of ages) {
      const isLate = ageMs > options.limitMs
      if (isLate === raised.has(partition)) continue
      if (isLate) {
        raised.add(partition)
        options.onRaised(partition, ageMs)
      } else {
        raised.delete(partition)
        options.onOver(partition)
      }
    }
  }
}
