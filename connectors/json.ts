export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [name: string]: Json }

export type JsonObject = { readonly [name: string]: Json }

const YEAR_100_MS = Date.UTC(100, 0)
const YEAR_10000_MS = Date.UTC(10_000, 0)

/** ISO 8601 in UTC. What is no year of four digits, or none that `epochDayOf` knows, stays a number. */
export function instantToJson(ms: number): Json {
  return ms >= YEAR_100_MS && ms < YEAR_10000_MS ? new Date(ms).toISOString() : ms
}
