/** What is wrong with the settings that say who may ask the API. */
import { isIP } from 'node:net'
import type { Config, Needs } from './config.ts'
import { settings } from './settings.ts'

const JWT_SECRET_CHARACTERS_MIN = 32

/** What a secret that was made for development begins with, wherever it is copied to. */
export const DEVELOPMENT_SECRET_PREFIX = 'development-'

export function accessProblems(config: Config, needs: Needs): readonly string[] {
  return [...secretProblems(config, needs), ...keyProblems(config), ...listProblems(config)]
}

function secretProblems(
  { environment, jwtSecret, jwksUrl, jwksFile }: Config,
  { tokens: areNeeded }: Needs,
): string[] {
  const { name } = settings.jwtSecret
  if (jwtSecret === undefined) {
    const isGiven =
      !areNeeded || environment === 'development' || jwksUrl !== undefined || jwksFile !== undefined
    if (isGiven) return []
    return [
      `${name}, ${settings.jwksUrl.name} or ${settings.jwksFile.name} must be set in production`,
    ]
  }
  if (jwtSecret.length < JWT_SECRET_CHARACTERS_MIN) {
    return [`${name} must have at least ${JWT_SECRET_CHARACTERS_MIN} characters`]
  }
  if (environment === 'production' && jwtSecret.startsWith(DEVELOPMENT_SECRET_PREFIX)) {
    return [`${name} was made for development: production needs one of its own`]
  }
  return []
}

function keyProblems({ environment, jwtSecret, jwksUrl, jwksFile }: Config): string[] {
  const problems: string[] = []
  const sources = { jwtSecret, jwksUrl, jwksFile }
  const given = (Object.keys(sources) as (keyof typeof sources)[])
    .filter((key) => sources[key] !== undefined)
    .map((key) => settings[key].name)
  if (given.length > 1) problems.push(`${given.join(' and ')} are both set: give one`)
  const { name } = settings.jwksUrl
  if (jwksUrl === undefined) return problems
  const protocol = URL.canParse(jwksUrl) ? new URL(jwksUrl).protocol : ''
  const allowed = environment === 'production' ? ['https:'] : ['https:', 'http:']
  if (!allowed.includes(protocol)) {
    problems.push(`${name} must be an address that starts with https://`)
  }
  return problems
}

function listProblems({ corsOrigins, trustedProxies }: Config): string[] {
  return [
    ...corsOrigins
      .filter((origin) => !isOrigin(origin))
      .map(
        (origin) =>
          `${settings.corsOrigins.name} must be origins such as https://app.example, got "${origin}"`,
      ),
    ...trustedProxies
      .filter((proxy) => !isNetwork(proxy))
      .map(
        (proxy) =>
          `${settings.trustedProxies.name} must be addresses or networks such as 10.0.0.0/8, got "${proxy}"`,
      ),
  ]
}

function isOrigin(text: string): boolean {
  return /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text
}

function isNetwork(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/')
  const version = isIP(address)
  if (version === 0 || more.length > 0) return false
  return (
    bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128))
  )
}
