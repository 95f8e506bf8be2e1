import { apply, begin, enabled, rules, type Action, type Rules } from './protocol.ts'
import { violations } from './violations.ts'

export type Trace = readonly Action[]
export type Explored = {
  readonly states: number
  /** The shortest way to something that must not be. */
  readonly found?: { readonly trace: Trace; readonly problems: readonly string[] }
}

/** Every state that so many owners reach in so many actions, in every order; stops at the first that must not be. */
export function explore(owners: number, actionsMax: number, by: Rules = rules): Explored {
  let edge = [{ state: begin(owners), trace: [] as Trace }]
  const seen = new Set<string>()
  for (let actions = 0; actions < actionsMax; actions++) {
    const further: typeof edge = []
    for (const { state, trace } of edge) {
      for (const action of enabled(state)) {
        const { state: after, ending } = apply(state, action, by)
        const problems = [
          ...violations(after),
          ...(ending === 'fault' ? ['an owner blames itself'] : []),
        ]
        const way = [...trace, action]
        if (problems.length > 0) return { states: seen.size, found: { trace: way, problems } }
        const key = JSON.stringify(after)
        if (seen.has(key)) continue
        seen.add(key)
        further.push({ state: after, trace: way })
      }
    }
    edge = further
  }
  return { states: seen.size }
}

/** One way of so many actions; crashes and lost answers are rarer than the rest. */
export function randomTrace(owners: number, actions: number, seed: number): Trace {
  let random = seed
  const below = (limit: number): number => {
    random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0
    return (random >>> 8) % limit
  }
  const trace: Action[] = []
  let state = begin(owners)
  while (trace.length < actions) {
    const choices = enabled(state)
    const action = choices[below(choices.length)]
    if (action === undefined) break
    const isFault = action.do === 'crash' || ('answer' in action && action.answer !== 'heard')
    if (isFault && below(4) > 0) continue
    trace.push(action)
    ;({ state } = apply(state, action))
  }
  return trace
}
