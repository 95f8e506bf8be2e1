/**
 * Fetches from one broker for every reader of the partitions that it leads: one request waits there for all of them.
 *
 * A broker answers the requests of a connection one after the other and cannot be told to stop waiting. So the request
 * that waits has a connection to itself, and who comes while it waits is asked for beside it, again and again, until
 * the next one takes him in.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { fetchFrom, type FetchFrom } from './kafka-fetch.ts'
import type { WireConnection, WirePool } from './kafka-cluster.ts'
import { BrokerRefusal } from './kafka-errors.ts'
import type { ReadAhead } from './kafka-read-ahead.ts'

const WAIT_MS = 1_000
/** An answer that takes longer on its way does not come. */
const LATE_MS = 500
/** Between the requests for those who came while the long one waits. */
const JOIN_EVERY_MS = 20
/** Between an answer and the next request that waits: what comes in drops would be taken in sips. */
const GAP_MS = 3
/** A reader that did not come back for so long is gone. */
const GONE_AFTER_MS = 30_000
const ASKING = 0
const WAITING = 1

type Asked = { readonly bytesMax: number; readonly answer: PromiseWithResolvers<void> }

export class LeaderReads {
  readonly #pool: WirePool
  /** Readers that are asked for before they ask; those that got something last come last. */
  readonly #followed = new Set<ReadAhead>()
  /** Readers that wait for an answer now. */
  readonly #asked = new Map<ReadAhead, Asked>()
  readonly #running = new Set<() => Promise<void>>()

  constructor(pool: WirePool) {
    this.#pool = pool
  }

  /** From now on what arrives for it is fetched before it asks, until it does not come back. */
  follow(reader: ReadAhead): void {
    this.#followed.add(reader)
    if (reader.polledAt !== undefined || reader.isFull) return
    this.#keepUp(this.#poll)
    this.#keepUp(this.#join)
  }

  /** The request that waits has it, and has not waited longer than an answer may take: nothing has come. */
  static isWaitingFor({ polledAt = -Infinity }: ReadAhead): boolean {
    return performance.now() - polledAt < WAIT_MS + LATE_MS
  }

  isFollowing(reader: ReadAhead): boolean {
    return this.#followed.has(reader)
  }

  /** Asks without waiting. Rejects with what the broker says about this partition, or where there is no answer. */
  ask(reader: ReadAhead, bytesMax: number): Promise<void> {
    const asked: Asked = { bytesMax, answer: Promise.withResolvers<void>() }
    this.#asked.set(reader, asked)
    this.#keepUp(this.#askAll)
    return asked.answer.promise
  }

  close(): void {
    this.#followed.clear()
    // Nobody is there to hear the answers.
    for (const connection of this.#pool.pool)
      connection.rejectRequests(new Error('the log is closed'))
  }

  /** Starts the loop unless it runs. It ends, and says so in the same moment, when there is nothing left for it. */
  #keepUp(loop: () => Promise<void>): void {
    if (this.#running.has(loop)) return
    this.#running.add(loop)
    loop.call(this).catch(() => {
      // Whoever waits asks by itself before long, hears what is wrong, and is followed again.
      this.#followed.clear()
      this.#running.delete(loop)
    })
  }

  async #askAll(): Promise<void> {
    // Those who ask at once go together.
    await Promise.resolve()
    while (this.#asked.size > 0) {
      const asked = new Map<ReadAhead, Asked>()
      for (const reader of onePerPlace(this.#asked.keys())) {
        asked.set(reader, this.#asked.get(reader) as Asked)
        this.#asked.delete(reader)
      }
      await this.#fetchNow(asked)
    }
    this.#running.delete(this.#askAll)
  }

  async #fetchNow(asked: ReadonlyMap<ReadAhead, Asked>): Promise<void> {
    try {
      const from = [...asked].map(([reader, { bytesMax }]) => reader.request(bytesMax))
      const connection = await this.#pool.getConnection(ASKING)
      const refused = await fetchInto(connection, [...asked.keys()], from, 0)
      for (const [reader, { answer }] of asked) {
        const code = refused.get(reader)
        if (code === undefined) answer.resolve()
        else answer.reject(new BrokerRefusal(code))
      }
    } catch (error) {
      for (const { answer } of asked.values()) answer.reject(error)
    }
  }

  /** The request that waits, one after the other for as long as there is somebody to wait for. */
  async #poll(): Promise<void> {
    for (;;) {
      await pause(GAP_MS)
      const readers = onePerPlace(this.#wanted())
      if (readers.length === 0) {
        this.#running.delete(this.#poll)
        return
      }
      for (const reader of readers) reader.polledAt = performance.now()
      try {
        const connection = await this.#pool.getConnection(WAITING)
        await this.#fetchAhead(connection, readers, WAIT_MS)
      } finally {
        for (const reader of readers) reader.polledAt = undefined
      }
    }
  }

  async #join(): Promise<void> {
    for (;;) {
      await pause(JOIN_EVERY_MS)
      const late = onePerPlace(this.#wanted().filter(({ polledAt }) => polledAt === undefined))
      if (late.length === 0) {
        this.#running.delete(this.#join)
        return
      }
      await this.#fetchAhead(await this.#pool.getConnection(ASKING), late, 0)
    }
  }

  async #fetchAhead(
    connection: WireConnection,
    readers: readonly ReadAhead[],
    waitMs: number,
  ): Promise<void> {
    const from = readers.map((reader) => reader.request())
    const refused = await fetchInto(connection, readers, from, waitMs)
    for (const [index, reader] of readers.entries()) {
      // It asks by itself when its wait is over, and hears why.
      if (refused.has(reader)) this.#followed.delete(reader)
      // The answer has a limit, and who comes first has the most of it.
      else if (from[index]?.offset !== reader.position && this.#followed.delete(reader)) {
        this.#followed.add(reader)
      }
    }
  }

  #wanted(): readonly ReadAhead[] {
    const goneBefore = performance.now() - GONE_AFTER_MS
    for (const reader of this.#followed) {
      if (reader.touchedAt > goneBefore) continue
      this.#followed.delete(reader)
      reader.forget()
    }
    return [...this.#followed].filter(({ isFull }) => !isFull)
  }
}

/** A request may name a partition once. */
function onePerPlace(readers: Iterable<ReadAhead>): readonly ReadAhead[] {
  const byPlace = new Map<string, ReadAhead>()
  for (const reader of readers) {
    const key = `${reader.place.topic}/${reader.place.partition}`
    if (!byPlace.has(key)) byPlace.set(key, reader)
  }
  return [...byPlace.values()]
}

/** Puts what arrives where it belongs. Answers those that the broker refused, and with what. */
async function fetchInto(
  connection: WireConnection,
  readers: readonly ReadAhead[],
  from: readonly FetchFrom[],
  waitMs: number,
): Promise<ReadonlyMap<ReadAhead, number>> {
  const refused = new Map<ReadAhead, number>()
  const answers = await fetchFrom(connection, from, waitMs)
  for (const [index, reader] of readers.entries()) {
    const fetched = answers.find(
      ({ topic, partition }) =>
        topic === reader.place.topic && partition === reader.place.partition,
    )
    if (fetched?.errorCode === 0) reader.put(from[index]?.offset ?? -1n, fetched)
    else refused.set(reader, fetched?.errorCode ?? -1)
  }
  return refused
}
