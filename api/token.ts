import { fastify } from 'fastify'
import { SaldoError } from '../schemas/errors.ts'
import { isId } from '../schemas/ids.ts'
import { useTokens } from './auth.ts'

/** A token as the API expects it, for `saldo token`; `expiresIn` is in seconds or a text such as "2h". */
export async function developmentToken(options: {
  readonly userId: string
  readonly secret: string
  readonly expiresIn: number | string
}): Promise<string> {
  const { userId, secret, expiresIn } = options
  if (!isId(userId)) {
    throw new SaldoError('SALDO_USAGE', `${JSON.stringify(userId)} is not the id of a user`)
  }
  const app = fastify()
  useTokens(app, { secret })
  await app.ready()
  try {
    return app.jwt.sign({ sub: userId }, { expiresIn })
  } finally {
    await app.close()
  }
}
