import { kafkaCommit, kafkaTakeOver, moments, type Point, type When } from '../points.ts'
import { never, type Fault } from './fault.ts'
import { obeyed } from './kill.ts'

type Place = { readonly point: Point; readonly when: When }

const placesOf = (points: readonly Point[]): readonly Place[] =>
  points.flatMap((point) => moments.map((when) => ({ point, when })))

/** Of a commit on Kafka, before each request, while it is on its way, and after its answer. */
export const commitPhases = placesOf(kafkaCommit)
export const takeOverPhases = placesOf(kafkaTakeOver)

/** One after the other, each as often as it strikes. */
export function killAtCommitPhases(places: readonly Place[] = commitPhases): Fault {
  let next = 0
  return {
    name: 'kill -9 at each phase of a commit',
    share: 1,
    missing: never,
    async strike(world, injected) {
      const one = world.random.pick(world.engines)
      const { point, when } = places[next++ % places.length] as Place
      const skip = world.random.whole(0, point.skipMax)
      one.order({ text: point.text, when, signal: 'SIGKILL', skip })
      return `${one.name} ${when} ${point.name}${await obeyed(one, 'SIGKILL', injected)}`
    },
  }
}

/** Killed once to start anew, and once more while it takes partitions over. */
export function killAtTakeOverPhases(places: readonly Place[] = takeOverPhases): Fault {
  let next = 0
  return {
    name: 'kill -9 at each phase of a take-over',
    share: 1,
    missing: never,
    async strike(world, injected) {
      const one = world.random.pick(world.engines)
      const { point, when } = places[next++ % places.length] as Place
      const skip = world.random.whole(0, point.skipMax)
      await one.restart({ text: point.text, when, signal: 'SIGKILL', skip })
      return `${one.name} ${when} ${point.name}${await obeyed(one, 'SIGKILL', injected)}`
    },
  }
}
