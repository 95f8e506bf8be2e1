import type { World } from '../world.ts'

/** A kind of fault. One at a time, and each leaves a world that mends itself. */
export type Fault = {
  readonly name: string
  /** How often it comes in a round of all kinds. */
  readonly share: number
  /** Why it cannot happen here, if so. */
  missing(world: World): string | undefined
  /** Resolves when what it broke may mend; says what it did. Calls `injected` each time that it has broken something. */
  strike(world: World, injected: () => void): Promise<string>
}

export const never = (): undefined => undefined
