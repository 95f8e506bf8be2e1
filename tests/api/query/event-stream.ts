export type StreamEvent = {
  readonly id: string
  readonly event: string
  readonly data: unknown
}

export type OpenStream = {
  readonly headers: Headers
  /** The next event; comments are passed over. */
  next(): Promise<StreamEvent>
  /** The next block that is no event. */
  comment(): Promise<string>
  /** Whether the server has closed it, once it has. */
  ended(): Promise<boolean>
  close(): Promise<void>
}

/** A client of server-sent events that can send a token, as EventSource cannot. */
export async function readStream(
  url: string,
  headers: Readonly<Record<string, string>>,
): Promise<OpenStream> {
  const abort = new AbortController()
  const response = await fetch(url, { headers, signal: abort.signal })
  if (response.body === null || !response.ok) {
    throw new Error(`the stream is answered with ${response.status}`)
  }
  const chunks = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  const block = async (): Promise<string | undefined> => {
    for (;;) {
      const end = text.indexOf('\n\n')
      if (end >= 0) {
        const found = text.slice(0, end)
        text = text.slice(end + 2)
        return found
      }
      const { done, value } = await chunks.read()
      if (done) return undefined
      text += value
    }
  }
  const theBlock = async (isWanted: (lines: string) => boolean): Promise<string> => {
    for (;;) {
      const found = await block()
      if (found === undefined) throw new Error('the stream has ended')
      if (isWanted(found)) return found
    }
  }
  const isEvent = (lines: string): boolean => /^event: /m.test(lines)
  return {
    headers: response.headers,
    async next() {
      const lines = await theBlock(isEvent)
      const field = (name: string): string =>
        new RegExp(`^${name}: (.*)$`, 'm').exec(lines)?.[1] ?? ''
      return { id: field('id'), event: field('event'), data: JSON.parse(field('data')) as unknown }
    },
    comment: () => theBlock((lines) => !isEvent(lines)),
    ended: async () => (await block()) === undefined,
    async close() {
      abort.abort()
      await chunks.cancel().catch(() => undefined)
    },
  }
}
