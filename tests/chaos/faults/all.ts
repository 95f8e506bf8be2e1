import { cutConnections, fillDisk, killBackend, killServer } from './database.ts'
import type { Fault } from './fault.ts'
import { killAll, killAtPoint, killAtRandom, killInTakeOver } from './kill.ts'
import { drain, stopAtPoint, stopAtRandom } from './stop.ts'
import type { Random } from '../../../connectors/demo/random.ts'

export const allFaults: readonly Fault[] = [
  killAtRandom,
  killAtPoint,
  killInTakeOver,
  killAll,
  stopAtRandom,
  stopAtPoint,
  killServer,
  killBackend,
  fillDisk,
  cutConnections,
  drain,
]

/** Round after round of all kinds in a drawn order, each as often as its share, or once. */
export function schedule(count: number, random: Random, each: 'share' | 'once'): readonly Fault[] {
  const drawn: Fault[] = []
  let round: Fault[] = []
  while (drawn.length < count) {
    if (round.length === 0) {
      round = allFaults.flatMap((fault) =>
        Array<Fault>(each === 'once' ? 1 : fault.share).fill(fault),
      )
    }
    drawn.push(...round.splice(random.whole(0, round.length - 1), 1))
  }
  return drawn
}
