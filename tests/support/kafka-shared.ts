/**
 * One broker for all files of a run. They run in processes that come and go: the process of the global setup keeps the
 * broker, starts it for the first one that asks, and tells every other one where it is.
 */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { startBroker } from './kafka-broker.ts'

type Answer = { readonly address: string } | { readonly error: string }

/** Where to ask, and how to end what was started. */
export type SharedBroker = { readonly port: number; stop(): Promise<void> }

/** Starts nothing before somebody asks. */
export async function offerBroker(folder: string): Promise<SharedBroker> {
  let answer: Promise<Answer> | undefined
  let stopBroker = async (): Promise<void> => {}
  const start = async (): Promise<Answer> => {
    try {
      const broker = await startBroker(folder)
      stopBroker = broker.stop
      return { address: broker.address }
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
      await stopBroker()
    },
  }
}

/** The address of the broker that is offered at the port. */
export async function askForBroker(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8')
  let text = ''
  for await (const part of socket) text += String(part)
  const answer = JSON.parse(text) as Answer
  if ('error' in answer) throw new Error(`the broker of this run did not start: ${answer.error}`)
  return answer.address
}
