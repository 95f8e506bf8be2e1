import type { Engine } from '../engines.ts'
import {
  kafkaCommit,
  kafkaTakeOver,
  moments,
  type Order,
  type Point,
  type When,
} from '../points.ts'
import { never, type Fault } from './fault.ts'
import { obeyed, UNREACHED } from './kill.ts'

type Place = { readonly point: Point; readonly when: When }

const placesOf = (points: readonly Point[]): readonly Place[] =>
  points.flatMap((point) => moments.map((when) => ({ point, when })))

/** Of a commit on Kafka, before each request, while it is on its way, and after its answer. */
export const commitPhases = placesOf(kafkaCommit)
export const takeOverPhases = placesOf(kafkaTakeOver)

/** One after the other, each as often as it strikes. */
export function killAtCommitPhases(places: readonly Place[] = commitPhases): Fault {
  return killAtPhases('kill -9 at each phase of a commit', places, (engine, order) => {
    engine.order(order)
  })
}

/** Killed once to start anew, and once more while it takes partitions over. */
export function killAtTakeOverPhases(places: readonly Place[] = takeOverPhases): Fault {
  return killAtPhases('kill -9 at each phase of a take-over', places, (engine, order) =>
    engine.restart(order),
  )
}

function killAtPhases(
  name: string,
  places: readonly Place[],
  give: (engine: Engine, order: Order) => void | Promise<void>,
): Fault {
  let next = 0
  return {
    name,
    share: 1,
    missing: never,
    async strike(world, injected) {
      const one = world.random.pick(world.engines)
      const { point, when } = places[next++ % places.length] as Place
      const skip = world.random.whole(0, point.skipMax)
      await give(one, { text: point.text, when, signal: 'SIGKILL', skip })
      const said = `${one.name} ${when} ${point.name}${await obeyed(one, 'SIGKILL', injected)}`
      // Its statement is another one by now, and the line would say too much.
      if (said.endsWith(UNREACHED)) world.problems.push(said)
      return said
    },
  }
}
