/**
 * Repairs of kafkajs 2.2.4, whose last release is from 2023. Each names its defect, and the hash of the source that it
 * repairs: another version of kafkajs fails here, at the start, instead of being repaired wrongly.
 */
import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import kafkajs from 'kafkajs'

type Method = ((this: never, ...values: never[]) => unknown) & { [mark]?: string }
type Prototype = { [method: string | symbol]: Method }

/** On what is repaired: another copy of this module in the same process finds kafkajs repaired by the first. */
const mark = Symbol.for('saldo.kafkajs-repair')

const require = createRequire(import.meta.url)
const prototypeOf = (file: string): Prototype =>
  (require(`kafkajs/src/${file}`) as { readonly prototype: Prototype }).prototype

type Original<This> = (this: This, ...values: unknown[]) => unknown

/** Replaces a method, whose name may be hidden in a symbol, of what `file` of kafkajs exports. */
export function repair<This>(
  file: string,
  method: string,
  sourceHash: string,
  repaired: (original: Original<This>) => Original<This>,
): void {
  const prototype = prototypeOf(file)
  const hidden = Object.getOwnPropertySymbols(prototype)
  const name = hidden.find(({ description }) => description === method) ?? method
  const original = prototype[name]
  if (original?.[mark] === sourceHash) return
  const source = original?.toString() ?? ''
  const hash = createHash('sha256').update(source).digest('hex').slice(0, 16)
  if (hash !== sourceHash) {
    throw new Error(`kafkajs's ${file} has another ${method} (${hash}): look at its repair again`)
  }
  prototype[name] = Object.assign(repaired(original as Original<This>) as Method, {
    [mark]: sourceHash,
  })
}

type RequestQueue = { readonly pending: readonly unknown[]; readonly throttledUntil: number }

// A queue with nothing in it arms a timer in the past for ever, which costs an idle process a part of a core.
repair<RequestQueue>(
  'network/requestQueue/index.js',
  'scheduleCheckPendingRequests',
  '04347ea969c6f2e3',
  (original) =>
    function () {
      if (this.pending.length > 0 || this.throttledUntil > Date.now()) original.call(this)
    },
)

type Connection = {
  chunks: Buffer[]
  bytesBuffered: number
  bytesNeeded: number
  connecting?: Promise<unknown> | undefined
  isConnected(): boolean
}

// After a cut in the middle of an answer its first half would be read as the start of the next answer. And requests
// that find no connection at once would open one each, and lose all but the last.
repair<Connection>(
  'network/connection.js',
  'connect',
  'f62881754acb28b9',
  (original) =>
    function () {
      if (this.isConnected()) return Promise.resolve(true)
      if (this.connecting === undefined) {
        this.chunks = []
        this.bytesBuffered = 0
        this.bytesNeeded = 4
        const connected = original.call(this) as Promise<unknown>
        this.connecting = connected.finally(() => {
          this.connecting = undefined
        })
      }
      return this.connecting
    },
)

function isTimeout(error: unknown): error is Error {
  return error instanceof Error && error.name === 'KafkaJSRequestTimeoutError'
}

type Silent = { readonly socket?: { destroy(error: Error): unknown } | undefined }

// A broker that answers nothing any more keeps its connections open, and would be asked again for everything that any
// broker can answer. Whatever else waits on such a connection fails with it.
repair<Silent>(
  'network/connection.js',
  'send',
  '8b048d5efae488be',
  (original) =>
    async function (...values) {
      try {
        return await original.apply(this, values)
      } catch (error) {
        if (isTimeout(error)) this.socket?.destroy(error)
        throw error
      }
    },
)

type Closable = { socket?: { readonly destroyed: boolean } | undefined }

// A socket that is gone would be told again and again not to keep the process alive, and remembers each time for ever.
repair<Closable>(
  'network/connection.js',
  'disconnect',
  'ac3f77bff37988e6',
  (original) =>
    function () {
      if (this.socket?.destroyed === true) this.socket = undefined
      return original.call(this)
    },
)

type Broker = { readonly lookupRequest: { readonly name: string } }

// With a connection that was never told what the broker understands, every request would fail for ever.
repair<Broker>(
  'broker/index.js',
  'isConnected',
  '3e882e4c03083be6',
  (original) =>
    function () {
      return this.lookupRequest.name !== 'notInitializedLookup' && original.call(this)
    },
)

// A broker that takes connections and answers nothing would be tried twenty times before the next one is. Told that it
// cannot be connected to, kafkajs goes on at once.
repair<Broker>(
  'broker/index.js',
  'connect',
  '1652b2bbcbcb530c',
  (original) =>
    async function () {
      try {
        return await original.call(this)
      } catch (error) {
        if (!isTimeout(error)) throw error
        throw new kafkajs.KafkaJSConnectionError(error.message)
      }
    },
)
