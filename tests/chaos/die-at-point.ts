/**
 * Loaded into an engine with `--import`, in every thread: the process kills or stops itself at a named point, so that
 * the product needs no hook. An order is a file with the pid in its name (tests/chaos/points.ts).
 */
import { EventEmitter } from 'node:events'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import pg from 'pg'
import { settings } from '../../config/settings.ts'
import { KAFKA, ORDERS_VARIABLE, orderFile, type Order } from './points.ts'

const folder = process.env[ORDERS_VARIABLE]
if (folder === undefined) throw new Error(`${ORDERS_VARIABLE} is not set`)
const file = orderFile(folder, process.pid)

type Query = (this: pg.Client, ...args: unknown[]) => unknown

const prototype = pg.Client.prototype as unknown as { query: Query }
const query = prototype.query
prototype.query = function (...args) {
  const order = existsSync(file) ? orderFor(textOf(args[0])) : undefined
  if (order === undefined) return query.apply(this, args)
  if (order.when === 'before') obey(order)
  if (order.when === 'after') return obeyAfter(order, this, args)
  const answer = query.apply(this, args)
  // By the next turn the statement is on its way.
  if (order.when === 'during') setImmediate(() => obey(order))
  return answer
}

// On Kafka requests have a name, and are points too.
if ((process.env[settings.kafkaBrokers.name] ?? '') !== '') {
  const connection = await kafkaConnection()
  const { send } = connection
  connection.send = async function (call) {
    const order = existsSync(file) ? orderFor(`${KAFKA} ${call.request.apiName}`) : undefined
    if (order?.when === 'before') obey(order)
    const answer = send.call(this, call)
    // By the next turn the request is on its way.
    if (order?.when === 'during') setImmediate(() => obey(order))
    if (order?.when !== 'after') return await answer
    const value = await answer
    obey(order)
    return value
  }
}

type Connection = {
  send(this: Connection, call: { readonly request: { readonly apiName: string } }): Promise<unknown>
}

/** After its repairs, which look at what it was. */
async function kafkaConnection(): Promise<Connection> {
  await import('../../topology/log/kafka-hardening.ts')
  const file = 'kafkajs/src/network/connection.js'
  const { prototype } = createRequire(import.meta.url)(file) as { prototype: Connection }
  return prototype
}

/** A query answers to its callback, through its promise, or as the stream of a COPY. */
function obeyAfter(order: Order, client: pg.Client, args: readonly unknown[]): unknown {
  const callback = args.findLast((arg) => typeof arg === 'function')
  if (callback !== undefined) {
    const told = (...answer: unknown[]): unknown => {
      obey(order)
      return callback(...answer)
    }
    return query.apply(
      client,
      args.map((arg) => (arg === callback ? told : arg)),
    )
  }
  const answer = query.apply(client, [...args])
  if (answer instanceof EventEmitter) answer.once('finish', () => obey(order))
  if (!(answer instanceof Promise)) return answer
  return answer.then((value: unknown) => {
    obey(order)
    return value
  })
}

/** The statement of a query that is given as text, as a configuration, or as something that submits itself. */
function textOf(statement: unknown): string {
  if (typeof statement === 'string') return statement
  if (typeof statement !== 'object' || statement === null || !('text' in statement)) return ''
  return String(statement.text)
}

function orderFor(text: string): Order | undefined {
  try {
    const order = JSON.parse(readFileSync(file, 'utf8')) as Order
    if (!text.includes(order.text)) return undefined
    if (order.skip === 0) return order
    writeFileSync(file, JSON.stringify({ ...order, skip: order.skip - 1 }))
  } catch {
    // Another thread was first.
  }
  return undefined
}

/** Once: what was stopped goes on as if nothing had been. */
function obey(order: Order): void {
  rmSync(file, { force: true })
  process.kill(process.pid, order.signal)
}
