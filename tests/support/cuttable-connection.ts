import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A way to a server that can be cut at the worst moment. */
export type Cuttable = {
  readonly url: string
  /** From now on nothing gets through in this direction, on any connection. */
  swallow(direction: 'requests' | 'answers'): void
  /** Ends every connection, and lets new ones through. */
  cut(): void
  /** Ends every connection and each new one until `accept`, as a server that is away. */
  refuse(): void
  accept(): void
  close(): Promise<void>
}

export async function cuttable(serverUrl: string): Promise<Cuttable> {
  const target = new URL(serverUrl)
  const sockets = new Set<Socket>()
  const swallowed = { requests: false, answers: false }
  let refusing = false
  const server = createServer((client) => {
    if (refusing) {
      client.destroy()
      return
    }
    const upstream = connect(Number(target.port), target.hostname)
    for (const [from, to, direction] of [
      [client, upstream, 'requests'],
      [upstream, client, 'answers'],
    ] as const) {
      sockets.add(from)
      from.on('data', (bytes) => {
        if (!swallowed[direction]) to.write(bytes)
      })
      from.on('error', () => to.destroy())
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
    }
  })
  const listening = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', () => listening.resolve())
  await listening.promise
  const url = new URL(serverUrl)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
    swallowed.requests = false
    swallowed.answers = false
  }
  return {
    url: url.href,
    swallow(direction) {
      swallowed[direction] = true
    },
    cut,
    refuse() {
      refusing = true
      cut()
    },
    accept() {
      refusing = false
    },
    async close() {
      const closed = Promise.withResolvers<void>()
      server.close(() => closed.resolve())
      cut()
      await closed.promise
    },
  }
}
