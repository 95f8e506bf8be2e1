/** Repairs of what kafkajs 2.2.4 does for whoever logs in; `kafka-hardening.ts` has the others. */
import { brokerCode, refusedKind } from './kafka-errors.ts'
import { repair } from './kafka-hardening.ts'

type Connection = {
  reauthenticationThreshold: number
  readonly sessionLifetime: { toNumber(): number }
}

const THRESHOLD_MS_MAX = 10_000
const THRESHOLD_SHARE = 0.2

// Ten seconds before a session ends it is renewed, so one that is shorter would be renewed with every request, which
// a broker refuses within the same second.
repair<Connection>(
  'network/connection.js',
  'private:Connection:shouldReauthenticate',
  'e8eeba7bbe686205',
  (original) =>
    function () {
      const lifeMs = this.sessionLifetime.toNumber()
      this.reauthenticationThreshold = Math.min(THRESHOLD_MS_MAX, lifeMs * THRESHOLD_SHARE)
      return original.call(this)
    },
)

type WithBroker = (found: unknown) => Promise<unknown>

// It takes every failure for a broker that is away, so that who is not allowed hears that nothing was found.
repair<object>(
  'cluster/brokerPool.js',
  'withBroker',
  '8c1370a21148766f',
  (original) =>
    async function (ask) {
      let refusal: unknown
      const asked: WithBroker = async (found) => {
        try {
          return await (ask as WithBroker)(found)
        } catch (error) {
          if (refusedKind(brokerCode(error)) !== undefined) refusal = error
          throw error
        }
      }
      const answer = await original.call(this, asked)
      if (answer === null && refusal !== undefined) throw refusal
      return answer
    },
)
