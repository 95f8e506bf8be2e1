const COALESCE_MS = 3

/** Sends at once, then one notification for all that was announced while the one before was on its way, or just left. */
export class Notifier {
  readonly #send: (payload: string) => Promise<void>
  readonly #pending = new Set<string>()
  #sending: Promise<void> | undefined
  #pause: NodeJS.Timeout | undefined

  constructor(send: (payload: string) => Promise<void>) {
    this.#send = send
  }

  announce(keys: Iterable<string>): void {
    for (const key of keys) this.#pending.add(key)
    if (this.#sending === undefined && this.#pause === undefined) this.#flush()
  }

  /** What was announced is sent before it resolves. */
  async close(): Promise<void> {
    clearTimeout(this.#pause)
    await this.#sending
    clearTimeout(this.#pause)
    this.#flush()
    await this.#sending
    clearTimeout(this.#pause)
  }

  #flush(): void {
    this.#pause = undefined
    if (this.#pending.size === 0) return
    const payload = [...this.#pending].join(' ')
    this.#pending.clear()
    // One that is lost is found by the poll.
    this.#sending = this.#send(payload)
      .catch(() => undefined)
      .then(() => {
        this.#sending = undefined
        this.#pause = setTimeout(() => this.#flush(), COALESCE_MS)
      })
  }
}
