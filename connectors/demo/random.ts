/** Repeatable chance (mulberry32): believable demo data, nothing that has to be unpredictable. */
export type Random = {
  /** A whole number from `from` to `to`, both included; small ones come more often. */
  readonly skewed: (from: number, to: number) => number
  readonly whole: (from: number, to: number) => number
  readonly chance: (probability: number) => boolean
  readonly pick: <T>(items: readonly T[]) => T
}

export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0
    return mixed(state) / 2 ** 32
  }
  function whole(from: number, to: number): number {
    return from + Math.floor(next() * (to - from + 1))
  }
  return {
    whole,
    skewed: (from, to) => from + Math.floor(next() * (0.5 + next() / 2) * (to - from + 1)),
    chance: (probability) => next() < probability,
    pick: (items) => {
      const item = items[whole(0, items.length - 1)]
      if (item === undefined) throw new Error('nothing to pick from')
      return item
    },
  }
}

/** Spreads 32 bits over 32 bits. One-to-one, so different inputs stay different. */
export function mixed(value: number): number {
  let bits = value >>> 0
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return (bits ^ (bits >>> 16)) >>> 0
}

/**
 * A UUID-shaped id. Household and ordinal each fill 32 bits that version and variant leave alone,
 * so ids of one seed never meet; the seed fills the middle, so ids of two seeds practically never do.
 */
export function seededId(seed: number, household: number, ordinal: number): string {
  const salt = mixed(seed)
  const hex = (value: number) => value.toString(16).padStart(8, '0')
  const middle = hex(mixed(salt ^ 0x5bd1e995)) + hex(mixed(salt ^ 0x1b873593 ^ ordinal))
  return [
    hex(mixed(salt ^ household)),
    middle.slice(0, 4),
    `4${middle.slice(5, 8)}`,
    `8${middle.slice(9, 12)}`,
    middle.slice(12) + hex(mixed(ordinal ^ mixed(salt ^ household))),
  ].join('-')
}
