import { connect, createServer, type Socket } from 'node:net'
import { once } from 'node:events'

/** Kinds of request, by their number in Kafka's protocol. */
export const PRODUCE = 0
export const END_TXN = 26

/** A way to a broker that reads along, so that one request or one answer of a kind can be lost. */
export type KafkaProxy = {
  /** The next requests of the kind never arrive, or their answers never come back; the connection ends there. */
  lose(apiKey: number, what: 'request' | 'answer', times?: number): void
  /** Loses nothing more. */
  heal(): void
  close(): Promise<void>
}

export async function kafkaProxy(options: {
  readonly port: number
  readonly target: string
}): Promise<KafkaProxy> {
  const [host, port] = options.target.split(':')
  const sockets = new Set<Socket>()
  let losing: { readonly apiKey: number; readonly what: 'request' | 'answer' } | undefined
  let left = 0

  const server = createServer((client) => {
    const broker = connect(Number(port), host)
    const end = (): void => {
      client.resetAndDestroy()
      broker.destroy()
    }
    for (const socket of [client, broker]) {
      sockets.add(socket)
      socket.on('error', end)
      socket.on('close', () => {
        sockets.delete(socket)
        end()
      })
    }
    let unanswered: number | undefined
    const hits = (apiKey: number, what: 'request' | 'answer'): boolean =>
      left > 0 && losing?.apiKey === apiKey && losing.what === what
    onFrames(client, (frame) => {
      const apiKey = frame.readInt16BE(4)
      if (hits(apiKey, 'request')) {
        left--
        return end()
      }
      if (hits(apiKey, 'answer')) unanswered = frame.readInt32BE(8)
      broker.write(frame)
    })
    onFrames(broker, (frame) => {
      if (frame.readInt32BE(4) === unanswered) {
        left--
        return end()
      }
      client.write(frame)
    })
  })
  server.listen(options.port, '127.0.0.1')
  await once(server, 'listening')
  return {
    lose(apiKey, what, times = 1) {
      losing = { apiKey, what }
      left = times
    },
    heal() {
      left = 0
    },
    async close() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** Each frame whole, with the four bytes of its length. */
function onFrames(socket: Socket, take: (frame: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0)
  socket.on('data', (bytes: Buffer) => {
    rest = Buffer.concat([rest, bytes])
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const length = 4 + rest.readInt32BE(0)
      take(rest.subarray(0, length))
      rest = rest.subarray(length)
    }
  })
}
