/** Simulates seeds until one of them fails. */
import fc from 'fast-check'
import { problemsOf } from './run-scenario.ts'
import { scenario, scenarioOf, type Scenario } from './scenario.ts'

export type Found = { readonly seed: number; readonly problems: readonly string[] }

/** The first seed of a range that breaks a promise; `progress` hears of every one that does not. */
export async function firstFailure(
  from: number,
  seeds: number,
  progress: (done: number) => void = () => undefined,
): Promise<Found | undefined> {
  for (let done = 0; done < seeds; done++) {
    const seed = from + done
    const problems = await problemsOrError(scenarioOf(seed))
    if (problems.length > 0) return { seed, problems }
    progress(done + 1)
  }
  return undefined
}

/** A smaller scenario that fails too, as small as it gets in that time. */
export async function shrunk(seed: number, limitMs: number): Promise<Scenario> {
  let smallest = scenarioOf(seed)
  const holds = fc.asyncProperty(scenario, async (given) => {
    if ((await problemsOrError(given)).length === 0) return true
    smallest = given
    return false
  })
  await fc.check(holds, {
    seed,
    numRuns: 1,
    unbiased: seed % 2 === 0,
    interruptAfterTimeLimit: limitMs,
  })
  return smallest
}

async function problemsOrError(given: Scenario): Promise<readonly string[]> {
  try {
    return await problemsOf(given)
  } catch (error) {
    return [error instanceof Error ? (error.stack ?? error.message) : String(error)]
  }
}
