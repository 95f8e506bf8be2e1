import { partOf, type State } from './protocol.ts'

/** What no state may be: one line each. */
export function violations({ log, store, owners }: State): readonly string[] {
  const { events, end } = log
  const { progress, rows } = store
  const isExact = events.every((event, n) => event.command === n && event.sequence === n + 1)
  const isStale = owners.some(
    ({ at, logEpoch, memory }) =>
      at === 'running' && logEpoch === log.epoch && memory?.root.sequence !== events.length,
  )
  const wrongRows = (['root', 'even', 'odd'] as const).flatMap((name) => {
    const folded = events.filter((event) => name === 'root' || partOf(event) === name)
    const { sequence, commands } = rows[name]
    const last = folded.findLast(({ offset }) => offset < progress.events)?.sequence ?? 0
    const whole = folded.filter((event) => event.sequence <= sequence)
    return [
      ...(sequence < last ? [`the progress passed an event that ${name} lacks`] : []),
      ...(whole.map(({ command }) => command).join() === commands.join()
        ? []
        : [`${name} is no fold`]),
    ]
  })
  return [
    ...(isExact ? [] : ['an event is lost or doubled']),
    ...(log.committed === events.length ? [] : ['events and offset are apart']),
    ...(progress.events <= end ? [] : ['the checkpoint is ahead of the log']),
    ...((progress.commands ?? 0) <= log.committed
      ? []
      : ['the checkpoint has seen too many commands']),
    ...(isStale ? ['the owner decides on a ledger that never was'] : []),
    ...wrongRows,
  ]
}
