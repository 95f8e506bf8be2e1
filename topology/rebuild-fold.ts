/** The loops that fill the shadow tables of one processor, one per partition, and how far they have come. */
import { setTimeout as delay } from 'node:timers/promises'
import type { TopicName } from '../schemas/topics.ts'
import { shadowConsumer } from '../sink/table-rebuilds.ts'
import type { TableStore } from '../sink/table-store.ts'
import { boundedLog, type BoundedLog } from './log/bounded-log.ts'
import type { BatchLimit, Log } from './log/log.ts'
import type { Processor } from './processors/processor.ts'
import { runTables, type TableObserver } from './run-tables.ts'
import type { ReaderKeys, TableReader } from './table-reader.ts'

export type RebuildFoldDeps = {
  readonly log: Log
  readonly keys: ReaderKeys
  /** A store of its own for each partition, over the shadow tables. */
  readonly shadow: () => TableStore
  readonly limit: BatchLimit
}

export type OnProgress = (done: number, total: number) => void

export class RebuildFold<Item> {
  /** Items that were folded. */
  events = 0
  readonly #reader: TableReader<Item>
  readonly #deps: RebuildFoldDeps
  readonly #log: BoundedLog
  readonly #from: readonly bigint[]
  readonly #positions: bigint[]
  #stop = new AbortController()
  #loops: readonly Promise<void>[] = []
  /** The first loop that failed; of loops that were stopped nothing is said. */
  #failed = Promise.withResolvers<never>()
  #moved = Promise.withResolvers<void>()

  private constructor(reader: TableReader<Item>, deps: RebuildFoldDeps, from: readonly bigint[]) {
    this.#reader = reader
    this.#deps = deps
    this.#log = boundedLog(deps.log, from)
    this.#from = from
    this.#positions = [...from]
  }

  static async of<Item>(
    reader: TableReader<Item>,
    processor: Processor<Item>,
    deps: RebuildFoldDeps,
  ): Promise<RebuildFold<Item>> {
    const { log } = deps
    const from: bigint[] = []
    for (let partition = 0; partition < log.partitions; partition++) {
      from.push(await log.start({ topic: reader.topic, partition }))
    }
    return new RebuildFold({ ...reader, processors: [processor] }, deps, from)
  }

  get topic(): TopicName {
    return this.#reader.topic
  }

  /** By partition: where it began. */
  get from(): readonly bigint[] {
    return this.#from
  }

  /** By partition: everything before it is folded. */
  get to(): readonly bigint[] {
    return [...this.#positions]
  }

  /** Begins, or goes on where it stopped. */
  start(): void {
    if (this.#loops.length > 0) return
    this.#stop = new AbortController()
    this.#failed = Promise.withResolvers<never>()
    this.#failed.promise.catch(() => undefined)
    this.#loops = this.#positions.map((_, partition) => this.#run(partition))
    for (const loop of this.#loops) loop.catch(this.#failed.reject)
  }

  /** Finishes the batches that are being written. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.allSettled(this.#loops)
    this.#loops = []
  }

  /** Folds up to these offsets, and nothing behind them. */
  follow(targets: readonly bigint[]): void {
    this.#log.moveEnds(targets)
  }

  distanceTo(targets: readonly bigint[]): bigint {
    return targets.reduce((sum, target, partition) => {
      const missing = target - (this.#positions[partition] ?? 0n)
      return missing > 0n ? sum + missing : sum
    }, 0n)
  }

  /** Resolves when everything before these offsets is in the tables; rejects when a loop failed or `stop` fires. */
  async reached(
    targets: readonly bigint[],
    stop: AbortSignal,
    onProgress?: OnProgress,
  ): Promise<void> {
    while (this.distanceTo(targets) > 0n) {
      stop.throwIfAborted()
      onProgress?.(...this.#progressTo(targets))
      const aborted = Promise.withResolvers<void>()
      const onAbort = (): void => aborted.resolve()
      stop.addEventListener('abort', onAbort, { once: true })
      await Promise.race([this.#moved.promise, this.#failed.promise, aborted.promise])
      stop.removeEventListener('abort', onAbort)
    }
    onProgress?.(...this.#progressTo(targets))
  }

  #progressTo(targets: readonly bigint[]): [done: number, total: number] {
    const begun = this.#from.reduce((sum, from) => sum + from, 0n)
    const total = targets.reduce((sum, target) => sum + target, 0n) - begun
    return [Number(total - this.distanceTo(targets)), Number(total)]
  }

  async #run(partition: number): Promise<void> {
    const store = this.#deps.shadow()
    const observe: TableObserver = {
      applied: (_reader, _partition, { items, next }) => {
        this.events += items
        this.#positions[partition] = next
        this.#moved.resolve()
        this.#moved = Promise.withResolvers<void>()
      },
      detached: (_processor, _partition, error) => {
        throw error
      },
    }
    try {
      const deps = { ...this.#deps, log: this.#log, store: asShadow(store), observe }
      await runTables(this.#reader, partition, deps, this.#stop.signal)
    } finally {
      await store.close()
    }
  }
}

/** The same store under names of its own for the progress; of a batch only rows and progress are written. */
function asShadow(store: TableStore): TableStore {
  return {
    ...store,
    async takeOver(consumers, partition, logIdentity) {
      const taken = await store.takeOver(consumers.map(shadowConsumer), partition, logIdentity)
      return taken.map((progress, index) => ({
        ...progress,
        consumer: consumers[index] ?? progress.consumer,
      }))
    },
    apply: ({ partition, moves, writes }) =>
      store.apply({
        partition,
        moves: moves.map((move) => ({ ...move, consumer: shadowConsumer(move.consumer) })),
        writes,
      }),
  }
}

/** True when it resolved within the time; a rejection is passed on. */
export async function within(
  ms: number,
  work: (stop: AbortSignal) => Promise<void>,
): Promise<boolean> {
  const late = new AbortController()
  const timer = new AbortController()
  const done = work(late.signal).then(() => true)
  const tooLate = delay(ms, false, { signal: timer.signal })
  tooLate.catch(() => undefined)
  try {
    const inTime = await Promise.race([done, tooLate])
    if (!inTime) {
      late.abort()
      await done.catch(() => undefined)
    }
    return inTime
  } finally {
    timer.abort()
  }
}
