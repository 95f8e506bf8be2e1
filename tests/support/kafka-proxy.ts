import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** Kinds of request, by their number in Kafka's protocol. */
export const PRODUCE = 0
export const END_TXN = 26
const METADATA = 3
const FIND_COORDINATOR = 10

const HOST = '127.0.0.1'

type Loss = 'request' | 'half' | 'answer' | 'silence'

/** A way to brokers that reads along, so that one request or one answer of a kind can be lost. */
export type KafkaProxy = {
  /** Where the way to the first target begins. */
  readonly address: string
  /** One for each target. */
  readonly addresses: readonly string[]
  /**
   * The next requests of the kind never arrive, or only their first half, or their answers never come back; the
   * connection ends there. With `silence` the answer is lost and the connection stays.
   */
  lose(apiKey: number, what: Loss, times?: number): void
  /** The next requests of the kind arrive so much later, even when whoever sent them has hung up. */
  hold(apiKey: number, ms: number, times?: number): void
  /** How many of those are still to come. */
  left(): number
  /** Loses and holds nothing more. */
  heal(): void
  close(): Promise<void>
}

/**
 * Stands before every broker of a cluster, and says that each broker is where its own way begins: a client that comes
 * through it never learns of another way.
 */
export async function kafkaProxy(options: {
  readonly targets: readonly string[]
}): Promise<KafkaProxy> {
  const sockets = new Set<Socket>()
  const ways = new Map<number, number>()
  let harm:
    | { readonly apiKey: number; readonly what: Loss | 'late'; readonly ms: number }
    | undefined
  let left = 0
  const hits = (apiKey: number, what: Loss | 'late'): boolean => {
    if (left === 0 || harm?.apiKey !== apiKey || harm.what !== what) return false
    left--
    return true
  }

  const pass = (client: Socket, target: number): void => {
    const broker = connect(target, HOST)
    /** What arrives later, and what was sent behind it. */
    let held: Buffer[] | undefined
    const end = (): void => {
      client.resetAndDestroy()
      if (held === undefined) broker.destroy()
    }
    for (const socket of [client, broker]) {
      sockets.add(socket)
      socket.on('error', end)
      socket.on('close', () => {
        sockets.delete(socket)
        end()
      })
    }
    /** Kinds of the requests that are not answered yet, by their correlation ids. */
    const asked = new Map<number, number>()
    onFrames(client, (frame) => {
      const apiKey = frame.readInt16BE(4)
      if (hits(apiKey, 'request')) return end()
      if (hits(apiKey, 'half')) {
        // What is written is sent before the end.
        broker.end(frame.subarray(0, frame.length / 2))
        return client.resetAndDestroy()
      }
      asked.set(frame.readInt32BE(8), apiKey)
      if (hits(apiKey, 'late')) {
        held = [frame]
        setTimeout(() => {
          for (const one of held ?? []) broker.write(one)
          held = undefined
        }, harm?.ms)
      } else if (held === undefined) broker.write(frame)
      else held.push(frame)
    })
    onFrames(broker, (frame) => {
      const correlation = frame.readInt32BE(4)
      const apiKey = asked.get(correlation) ?? -1
      asked.delete(correlation)
      if (client.destroyed || hits(apiKey, 'answer')) return end()
      if (hits(apiKey, 'silence')) return
      if (apiKey === METADATA || apiKey === FIND_COORDINATOR) redirect(frame, ways)
      client.write(frame)
    })
  }

  const servers: Server[] = []
  for (const target of options.targets) {
    const port = Number(target.split(':')[1])
    const server = createServer((client) => pass(client, port))
    server.listen(0, HOST)
    await once(server, 'listening')
    servers.push(server)
    ways.set(port, portOf(server))
  }
  const addresses = servers.map((server) => `${HOST}:${portOf(server)}`)
  return {
    address: addresses[0] ?? '',
    addresses,
    lose(apiKey, what, times = 1) {
      harm = { apiKey, what, ms: 0 }
      left = times
    },
    hold(apiKey, ms, times = 1) {
      harm = { apiKey, what: 'late', ms }
      left = times
    },
    left: () => left,
    heal() {
      left = 0
    },
    async close() {
      const closed = servers.map((server) => once(server.close(), 'close'))
      for (const socket of sockets) socket.destroy()
      await Promise.all(closed)
    },
  }
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}

/** Writes the ways in place of the brokers' own ports: a host and, behind it, four bytes of port. */
function redirect(frame: Buffer, ways: ReadonlyMap<number, number>): void {
  for (let at = frame.indexOf(HOST); at >= 0; at = frame.indexOf(HOST, at + 1)) {
    const port = at + HOST.length
    const way = port + 4 <= frame.length ? ways.get(frame.readInt32BE(port)) : undefined
    if (way !== undefined) frame.writeInt32BE(way, port)
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
