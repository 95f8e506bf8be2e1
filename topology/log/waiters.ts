/** Ends of places, by key. */
export type Heads = ReadonlyMap<string, bigint>

export type Waiting = {
  /** Resolves when something may have come, when nothing did until the next poll, on abort, or when cancelled. */
  readonly over: Promise<void>
  cancel(): void
}

type Waiter = { readonly offset: bigint; readonly resolve: () => void }

/** Who waits for something at which place, by its key. */
export class Waiters {
  readonly #waiting = new Map<string, Set<Waiter>>()
  /** Where a wait ended without anything, by key: the offsets. */
  readonly #quiet = new Map<string, Set<bigint>>()

  get isEmpty(): boolean {
    return this.#waiting.size === 0
  }

  wait(key: string, offset: bigint, signal: AbortSignal): Waiting {
    const { promise, resolve: end } = Promise.withResolvers<void>()
    const resolve = (): void => end()
    const waiter: Waiter = { offset, resolve }
    this.#waiting.set(key, (this.#waiting.get(key) ?? new Set()).add(waiter))
    signal.addEventListener('abort', resolve)
    if (signal.aborted) resolve()
    const over = promise.then(() => {
      signal.removeEventListener('abort', resolve)
      const others = this.#waiting.get(key)
      others?.delete(waiter)
      if (others?.size === 0) this.#waiting.delete(key)
    })
    return { over, cancel: resolve }
  }

  wake(key: string): void {
    this.#quiet.delete(key)
    for (const { resolve } of this.#waiting.get(key) ?? []) resolve()
  }

  wakeAll(): void {
    for (const key of this.#waiting.keys()) this.wake(key)
  }

  endTurn(heads: Heads): void {
    for (const [key, waiters] of this.#waiting) {
      const end = heads.get(key)
      const offsets = Array.from(waiters, ({ offset }) => offset)
      this.#quiet.set(key, new Set(offsets.filter((offset) => end !== undefined && end <= offset)))
      for (const { resolve } of waiters) resolve()
    }
  }

  takeQuiet(key: string, offset: bigint): boolean {
    return this.#quiet.get(key)?.delete(offset) === true
  }
}
