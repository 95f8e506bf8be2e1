import { SignJWT } from 'jose'
import { SaldoError } from '../schemas/errors.ts'
import { isId } from '../schemas/ids.ts'
import { AUDIENCE_DEFAULT, OPERATOR_SCOPE } from './auth.ts'
import { SECRET_ALGORITHM, signingKey } from './token-keys.ts'

/** A token as the API expects it, for `saldo token`; `expiresIn` is in seconds or a text such as "2h". */
export async function developmentToken(options: {
  readonly userId: string
  readonly secret: string
  readonly expiresIn: number | string
  /** Lets it read the data of every user. */
  readonly operator?: boolean
  readonly audience?: string
  readonly issuer?: string
}): Promise<string> {
  const { userId, secret, expiresIn, operator = false, audience, issuer } = options
  if (!isId(userId)) {
    throw new SaldoError('SALDO_USAGE', `${JSON.stringify(userId)} is not the id of a user`)
  }
  const token = new SignJWT(operator ? { scope: OPERATOR_SCOPE } : {})
    .setProtectedHeader({ alg: SECRET_ALGORITHM, typ: 'JWT' })
    .setSubject(userId)
    .setAudience(audience ?? AUDIENCE_DEFAULT)
    .setIssuedAt()
    .setExpirationTime(typeof expiresIn === 'number' ? `${expiresIn}s` : expiresIn)
  if (issuer !== undefined) token.setIssuer(issuer)
  return await token.sign(await signingKey(secret))
}
