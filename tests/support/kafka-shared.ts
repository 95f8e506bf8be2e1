/**
 * One broker and one schema registry for all files of a run. They run in processes that come and go: the process of the
 * global setup keeps the servers, starts each for the first one that asks, and tells every other one where it is.
 */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { startBroker } from './kafka-broker.ts'
import { startRegistry } from './registry-server.ts'

type Answer = { readonly address: string } | { readonly error: string }

/** Where to ask, and how to end what was started. */
export type SharedServer = { readonly port: number; stop(): Promise<void> }

export function offerBroker(folder: string): Promise<SharedServer> {
  return offer(() => startBroker(folder))
}

export function offerRegistry(folder: string): Promise<SharedServer> {
  return offer(async () => {
    const { url, stop } = await startRegistry(folder)
    return { address: url, stop }
  })
}

/** Starts nothing before somebody asks. */
async function offer(
  startServer: () => Promise<{ readonly address: string; stop(): Promise<void> }>,
): Promise<SharedServer> {
  let answer: Promise<Answer> | undefined
  let stopServer = async (): Promise<void> => {}
  const start = async (): Promise<Answer> => {
    try {
      const started = await startServer()
      stopServer = started.stop
      return { address: started.address }
    } catch (error) {
      return { error: error instanceof Error ? error.message : String(error) }
    }
  }
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    answer ??= start()
    void answer.then((told) => socket.end(JSON.stringify(told)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      server.close()
      await answer
      await stopServer()
    },
  }
}

/** The address of the server that is offered at the port. */
export async function askForServer(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8')
  let text = ''
  for await (const part of socket) text += String(part)
  const answer = JSON.parse(text) as Answer
  if ('error' in answer) throw new Error(`a server of this run did not start: ${answer.error}`)
  return answer.address
}
