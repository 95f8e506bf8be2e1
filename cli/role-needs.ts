import type { Needs } from '../config/config.ts'
import type { RoleName } from './roles.ts'

/** What each role cannot do without: a role is given no other secret. */
export const roleNeeds: { readonly [role in RoleName]: Needs } = {
  actors: { masterKey: true, tokens: false },
  tables: { masterKey: true, tokens: false },
  // Texts pass through the streams sealed as they are.
  streams: { masterKey: false, tokens: false },
  clock: { masterKey: false, tokens: false },
  api: { masterKey: false, tokens: true },
}

export const roleNames = Object.keys(roleNeeds) as readonly RoleName[]
