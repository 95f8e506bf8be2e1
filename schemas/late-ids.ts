/**
 * Ids that a registry gave after a process had asked for all that it needs: a producer may be newer than the engine.
 *
 * Invariant: an id has no meaning before the registry said so. While it is away nobody guesses.
 */
import { setTimeout as pauseFor } from 'node:timers/promises'
import { isSame, schemaWithId, type IdMeaning } from './registered-schema.ts'
import { registryHttp, type RegistryConnection } from './registry-http.ts'
import type { ReleasedSchema } from './released-schemas.ts'

/** `none`: the registry has nothing under the id, or nothing that has the bytes of one of our versions. */
export type LateMeaning = { readonly ownId: number } | 'none'

export type LateIds = {
  /** Undefined until the registry was asked. */
  meaning(id: number): LateMeaning | undefined
  /** Asks until every id has a meaning, however long that takes, or until it is closed. */
  ask(ids: readonly number[]): Promise<void>
  close(): void
}

export type LateIdsOptions = {
  /** What records of the topic may have been written with. */
  readonly versions: readonly ReleasedSchema[]
  /** Told of each try that failed. */
  readonly onFailed: (error: unknown) => void
  /** Told of each that did not. */
  readonly onAnswered: () => void
  readonly now?: () => number
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>
}

const BACKOFF_FIRST_MS = 250
const BACKOFF_MAX_MS = 8000
/** A follower of a registry may be a moment behind its leader, which gave the id. */
const SECOND_LOOK_MS = 1000
/** What was nothing may be registered later. */
const NOTHING_MS = 60_000
const MEANINGS_MAX = 10_000

export function lateIds(connection: RegistryConnection, options: LateIdsOptions): LateIds {
  return new Asker(connection, options)
}

class Asker implements LateIds {
  readonly #http: ReturnType<typeof registryHttp>
  readonly #options: LateIdsOptions
  readonly #now: () => number
  readonly #pause: (ms: number, signal: AbortSignal) => Promise<void>
  readonly #closed = new AbortController()
  readonly #meanings = new Map<number, { readonly meaning: LateMeaning; readonly until: number }>()
  readonly #wanted = new Set<number>()
  #asking: Promise<void> | undefined

  constructor(connection: RegistryConnection, options: LateIdsOptions) {
    this.#http = registryHttp(connection)
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.#pause = options.pause ?? pauseUnlessClosed
  }

  meaning(id: number): LateMeaning | undefined {
    const known = this.#meanings.get(id)
    return known !== undefined && this.#now() < known.until ? known.meaning : undefined
  }

  async ask(ids: readonly number[]): Promise<void> {
    const open = (): readonly number[] => ids.filter((id) => this.meaning(id) === undefined)
    while (open().length > 0 && !this.#closed.signal.aborted) {
      for (const id of open()) this.#wanted.add(id)
      this.#asking ??= this.#askAll().finally(() => {
        this.#asking = undefined
      })
      await this.#asking
    }
  }

  close(): void {
    this.#closed.abort()
    this.#http.close()
  }

  /** One request after the other: an engine that waits must not be a burden to a registry that comes back. */
  async #askAll(): Promise<void> {
    const { signal } = this.#closed
    const seenAsNothing = new Set<number>()
    for (let failures = 0; this.#wanted.size > 0 && !signal.aborted;) {
      try {
        for (const id of this.#wanted) {
          const found = await schemaWithId(this.#http, id)
          if (found === 'nothing' && !seenAsNothing.has(id)) seenAsNothing.add(id)
          else this.#learn(id, found)
        }
        this.#options.onAnswered()
        failures = 0
        if (this.#wanted.size > 0) await this.#pause(SECOND_LOOK_MS, signal)
      } catch (error) {
        if (signal.aborted) return
        this.#options.onFailed(error)
        await this.#pause(Math.min(BACKOFF_FIRST_MS * 2 ** failures++, BACKOFF_MAX_MS), signal)
      }
    }
  }

  #learn(id: number, found: IdMeaning): void {
    const own =
      found === 'nothing'
        ? undefined
        : this.#options.versions.find(({ schema }) => isSame(found.schema, schema))
    this.#meanings.set(id, {
      meaning: own === undefined ? 'none' : { ownId: own.id },
      until: found === 'nothing' ? this.#now() + NOTHING_MS : Infinity,
    })
    this.#wanted.delete(id)
    const [oldest] = this.#meanings.keys()
    if (this.#meanings.size > MEANINGS_MAX && oldest !== undefined) this.#meanings.delete(oldest)
  }
}

async function pauseUnlessClosed(ms: number, signal: AbortSignal): Promise<void> {
  await pauseFor(ms, undefined, { signal }).catch(() => undefined)
}
