/** Connections of kafkajs, secured as the settings say. */
import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectSecure } from 'node:tls'
import type { KafkaConfig } from 'kafkajs'
import { readSecret, tlsOptions } from './kafka-security.ts'
import type { KafkaSasl, KafkaSecurity, KafkaTls } from './kafka-security.ts'
import { bearerProvider } from './kafka-tokens.ts'

export type Address = { readonly host: string; readonly port: number }

const KEEP_ALIVE_DELAY_MS = 60_000

/** What they need of files and endpoints is asked for anew whenever a connection is made. */
export function connectionOptions({
  tls,
  sasl,
}: KafkaSecurity): Pick<KafkaConfig, 'ssl' | 'sasl' | 'socketFactory'> {
  return {
    ssl: tls !== undefined,
    socketFactory: ({ host, port, onConnect }) => connectTo({ host, port }, tls, onConnect),
    ...(sasl === undefined ? {} : { sasl: saslOptions(sasl) }),
  }
}

/** A socket to a broker. `onConnect` is called once the other side is known to be who it has to be. */
export function connectTo(
  { host, port }: Address,
  tls: KafkaTls | undefined,
  onConnect: () => void,
): Socket {
  const socket =
    tls === undefined
      ? connectPlain({ host, port }, onConnect)
      : connectSecure(
          { host, port, ...(isIP(host) === 0 ? { servername: host } : {}), ...tlsOptions(tls) },
          onConnect,
        )
  // A request is one write: to wait for more of it only delays the answer.
  socket.setNoDelay(true)
  socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS)
  return socket
}

function saslOptions(sasl: KafkaSasl): NonNullable<KafkaConfig['sasl']> {
  if (sasl.mechanism === 'oauthbearer') {
    return { mechanism: 'oauthbearer', authenticationProvider: bearerProvider(sasl.token) }
  }
  const { user: username, password } = sasl
  return {
    // The types of kafkajs have a member for each mechanism, all of them alike.
    mechanism: sasl.mechanism as 'plain',
    username,
    get password() {
      return readSecret(password)
    },
  }
}
