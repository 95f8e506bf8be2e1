import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { startRegistry } from '../support/registry-server.ts'

/** A registry of the run's own, on a way that can be shut; what it holds stays. */
export type ChaosRegistry = {
  readonly url: string
  /** Whoever comes from now on is refused, and whoever speaks with it is cut off. */
  shut(): Promise<void>
  open(): Promise<void>
  close(): Promise<void>
}

export async function openRegistry(folder: string): Promise<ChaosRegistry> {
  const registry = await startRegistry(folder)
  const { hostname, port, pathname } = new URL(registry.url)
  const sockets = new Set<Socket>()
  const keep = (socket: Socket): Socket => {
    sockets.add(socket)
    return socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
  }
  let own = 0
  let gate: Server | undefined
  const open = async (): Promise<void> => {
    gate = createServer((client) => {
      const server = keep(connect(Number(port), hostname))
      keep(client).pipe(server).pipe(client)
      client.on('close', () => server.destroy())
      server.on('close', () => client.destroy())
    }).listen(own, hostname)
    await once(gate, 'listening')
    own = (gate.address() as AddressInfo).port
  }
  const shut = async (): Promise<void> => {
    const closed = gate?.close()
    gate = undefined
    for (const socket of sockets) socket.destroy()
    if (closed !== undefined) await once(closed, 'close')
  }
  await open()
  return {
    url: `http://${hostname}:${own}${pathname}`,
    shut,
    open,
    async close() {
      await shut()
      await registry.stop()
    },
  }
}
