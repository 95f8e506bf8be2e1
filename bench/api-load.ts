/** A process that asks the API as fast as it answers, each time for another user: `bench/api.ts` starts it. */
import autocannon from 'autocannon'
import { readFileSync } from 'node:fs'

export type LoadOrder = {
  readonly url: string
  /** What is asked, after the address. */
  readonly path: string
  readonly connections: number
  readonly seconds: number
  /** One for each user. */
  readonly tokens: readonly string[]
}

export type LoadResult = {
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  readonly answers: number
  /** Answers that are no success, time-outs and lost connections. */
  readonly failures: number
}

/** Spreads over the tokens, so that neighbours in time are no neighbours in the table. */
const STEP = 7919

const { url, path, connections, seconds, tokens } = JSON.parse(readFileSync(0, 'utf8')) as LoadOrder
let next = 0
const result = await autocannon({
  url,
  connections,
  duration: seconds,
  requests: [
    {
      path,
      setupRequest(request) {
        next = (next + STEP) % tokens.length
        const headers = { ...request.headers, authorization: `Bearer ${tokens[next] ?? ''}` }
        return { ...request, headers }
      },
    },
  ],
})
const figures: LoadResult = {
  requestsPerSecond: Math.round(result['2xx'] / result.duration),
  p50Ms: result.latency.p50,
  p99Ms: result.latency.p99,
  maxMs: result.latency.max,
  answers: result['2xx'],
  failures: result.non2xx + result.errors + result.timeouts,
}
process.stdout.write(JSON.stringify(figures))
