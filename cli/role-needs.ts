import type { Needs } from '../config/config.ts'
import type { RoleName } from './roles.ts'

/** What each role cannot do without: a role is given no other secret. */
export const roleNeeds: { readonly [role in RoleName]: Needs } = {
  actors: { log: true, masterKey: true, tokens: false },
  tables: { log: true, masterKey: true, tokens: false },
  // Texts pass through the streams sealed as they are.
  streams: { log: true, masterKey: false, tokens: false },
  clock: { log: true, masterKey: false, tokens: false },
  api: { log: false, masterKey: false, tokens: true },
}

export const roleNames = Object.keys(roleNeeds) as readonly RoleName[]
