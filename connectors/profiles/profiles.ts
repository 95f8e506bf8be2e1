import { SaldoError } from '../../schemas/errors.ts'
import { dnb } from './dnb.ts'
import { generic } from './generic.ts'
import { mpesaTz } from './mpesa-tz.ts'
import { oxford } from './oxford.ts'
import type { Profile } from './profile.ts'

/** Every layout that can be imported. */
export const profiles: readonly Profile[] = [generic, dnb, mpesaTz, oxford]

export function profileNamed(name: string): Profile {
  const profile = profiles.find((candidate) => candidate.name === name)
  if (profile !== undefined) return profile
  const known = profiles.map((candidate) => candidate.name).join(', ')
  throw new SaldoError(
    'SALDO_USAGE',
    `there is no profile ${JSON.stringify(name)}: the profiles are ${known}`,
  )
}
