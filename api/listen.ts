import type { FastifyInstance } from 'fastify'
import { SaldoError } from '../schemas/errors.ts'

export type Address = {
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
  /** How many ports from `port` on may be tried when it is taken. */
  readonly portsToTry: number
}

const refusals = new Set(['EADDRINUSE', 'EACCES', 'EADDRNOTAVAIL'])

/** The URL it listens at. */
export async function listen(app: FastifyInstance, address: Address): Promise<string> {
  const { host, port, portsToTry } = address
  const last = Math.min(port + portsToTry - 1, 65_535)
  for (let candidate = port; ; candidate += 1) {
    try {
      return await app.listen({ host, port: candidate })
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : ''
      if (code === 'EADDRINUSE' && candidate < last) continue
      if (!refusals.has(code)) throw error
      const ports = last > port ? `ports ${port} to ${last}` : `port ${port}`
      const message = `cannot listen at ${ports} of ${host}: ${code}`
      throw new SaldoError('SALDO_CONFIG_INVALID', message, { retryable: false, cause: error })
    }
  }
}
