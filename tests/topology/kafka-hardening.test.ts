import { once } from 'node:events'
import { createRequire } from 'node:module'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import '../../topology/log/kafka-hardening.ts'

type Call = { readonly request: object; readonly response: object }
type Connection = {
  readonly socket?: Socket
  connect(): Promise<unknown>
  disconnect(): Promise<unknown>
  send(call: Call): Promise<string>
}
type Broker = { connect(): Promise<void>; isConnected(): boolean; metadata(): Promise<unknown> }
type RequestQueue = { throttleCheckTimeoutId: unknown; scheduleCheckPendingRequests(): void }

const require = createRequire(import.meta.url)
const inside = <Class>(file: string): Class => require(`kafkajs/src/${file}`) as Class
type New<Made> = new (options: object) => Made
const ConnectionOf = inside<New<Connection>>('network/connection.js')
const RequestQueueOf = inside<New<RequestQueue>>('network/requestQueue/index.js')
const BrokerOf = inside<New<Broker>>('broker/index.js')
const PoolOf = inside<New<object>>('network/connectionPool.js')
const socketFactory = inside<() => unknown>('network/socketFactory.js')
const silent = { debug: () => {}, error: () => {}, warn: () => {}, namespace: () => silent }

const call: Call = {
  request: {
    apiKey: 99,
    apiVersion: 0,
    apiName: 'Test',
    encode: async () => ({ buf: Buffer.alloc(0), buffer: Buffer.alloc(0) }),
  },
  response: {
    decode: async (bytes: Buffer) => bytes.toString(),
    parse: async (text: string) => text,
  },
}

const opened: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close()
})

type Serve = (socket: Socket, request: Buffer) => void

/** A connection to a server that has its own way to answer. */
async function connectionTo(
  serve: Serve,
  timeoutMs?: number,
): Promise<{
  readonly connection: Connection
  readonly sockets: readonly Socket[]
}> {
  const { options, sockets } = await served(serve, timeoutMs)
  const connection = new ConnectionOf(options)
  opened.push(() => connection.disconnect())
  return { connection, sockets }
}

async function served(
  serve: Serve,
  timeoutMs = 2_000,
): Promise<{
  readonly options: object
  readonly sockets: readonly Socket[]
}> {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => undefined)
    socket.on('data', (request) => serve(socket, request as Buffer))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  opened.push(() => {
    for (const socket of sockets) socket.destroy()
    return once(server.close(), 'close')
  })
  const options = {
    host: '127.0.0.1',
    port,
    logger: silent,
    socketFactory: socketFactory(),
    requestTimeout: timeoutMs,
    enforceRequestTimeout: true,
    connectionTimeout: timeoutMs,
  }
  return { options, sockets }
}

function answer(request: Buffer, text: string): Buffer {
  const frame = Buffer.concat([Buffer.alloc(8), Buffer.from(text)])
  frame.writeInt32BE(frame.length - 4, 0)
  frame.writeInt32BE(request.readInt32BE(8), 4)
  return frame
}

describe('kafkajs, repaired,', () => {
  test('reads answers after a connection that ended in the middle of one', async () => {
    let requests = 0
    const { connection } = await connectionTo((socket, request) => {
      const whole = answer(request, 'an answer')
      if (++requests > 1) return socket.write(whole)
      return socket.write(whole.subarray(0, 6), () => socket.end())
    })
    await connection.connect()
    await expect(connection.send(call)).rejects.toThrow('Closed connection')
    await connection.connect()
    expect(await connection.send(call)).toBe('an answer')
  })

  test('opens one connection for requests that need it at once', async () => {
    const { connection, sockets } = await connectionTo((socket, request) =>
      socket.write(answer(request, 'an answer')),
    )
    await Promise.all([1, 2, 3, 4, 5].map(() => connection.connect()))
    expect(await connection.send(call)).toBe('an answer')
    expect(sockets).toHaveLength(1)
  })

  test('remembers nothing of a socket that is gone, however often it is disconnected', async () => {
    const { connection } = await connectionTo(() => {})
    await connection.connect()
    const { socket } = connection
    socket?.destroy()
    if (socket !== undefined) await once(socket, 'close')
    for (let times = 0; times < 3; times++) await connection.disconnect()
    expect(socket?.listenerCount('connect')).toBe(0)
  })

  test('leaves a connection on which a request was not answered in time', async () => {
    const { connection, sockets } = await connectionTo((socket, request) => {
      if (sockets.length > 1) socket.write(answer(request, 'an answer'))
    }, 100)
    await connection.connect()
    await expect(connection.send(call)).rejects.toThrow('timed out')
    await expect(connection.send(call)).rejects.toThrow()
    await connection.connect()
    expect(await connection.send(call)).toBe('an answer')
  })

  test('does not take a broker for connected that did not say what it understands', async () => {
    const { options } = await served(() => {}, 100)
    const connectionPool = new PoolOf(options)
    const broker = new BrokerOf({ connectionPool, logger: silent })
    await expect(broker.connect()).rejects.toThrow('timed out')
    expect(broker.isConnected()).toBe(false)
  })

  test('goes on to the next broker at once when one takes connections and answers nothing', async () => {
    const { options } = await served(() => {}, 100)
    const broker = new BrokerOf({ connectionPool: new PoolOf(options), logger: silent })
    await expect(broker.connect()).rejects.toMatchObject({ name: 'KafkaJSConnectionError' })
  })

  test('arms no timer for an empty queue of requests', () => {
    const queue = new RequestQueueOf({ logger: silent, requestTimeout: 1_000 })
    queue.scheduleCheckPendingRequests()
    expect(queue.throttleCheckTimeoutId).toBeNull()
  })
})
