const SEQUENCES = 2 ** 31

/** Numbers of a producer's records in each partition; a broker knows a repetition and a gap by them. */
export class Sequences {
  readonly #next = new Map<string, number>()

  /** The number of the first of `count` records. */
  take(place: string, count: number): number {
    const sequence = this.#next.get(place) ?? 0
    this.#next.set(place, (sequence + count) % SEQUENCES)
    return sequence
  }
}
