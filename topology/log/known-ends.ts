/** Ends of places as the log told them, until something new is announced there. */
export class KnownEnds {
  readonly #ends = new Map<string, bigint>()
  /** When something was announced last, counted in announcements. */
  readonly #announced = new Map<string, number>()
  #announcements = 0
  #clearedAt = 0

  of(key: string): bigint | undefined {
    return this.#ends.get(key)
  }

  forget(key: string): void {
    this.#announced.set(key, ++this.#announcements)
    this.#ends.delete(key)
  }

  clear(): void {
    this.#clearedAt = ++this.#announcements
    this.#ends.clear()
  }

  /** An answer that was asked for before an announcement may be older than it. */
  asking(): (key: string, end: bigint) => void {
    const since = this.#announcements
    return (key, end) => {
      const changedAt = Math.max(this.#announced.get(key) ?? 0, this.#clearedAt)
      if (changedAt <= since) this.#ends.set(key, end)
    }
  }
}
