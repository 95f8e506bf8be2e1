/**
 * The log and the database belong together: whoever opens one log beside the checkpoints of another would decide
 * commands on states that it knows nothing of, or send commands to where nobody reads them.
 */
import { settings } from '../config/settings.ts'
import { SaldoError } from '../schemas/errors.ts'
import type { KnownLogs } from '../sink/known-logs.ts'

const { kafkaBrokers, kafkaPrefix, dataDir, databaseUrl } = settings

/** Before anything is created on Kafka. */
export function refuseOwnRecords({ holdsRecords }: KnownLogs): void {
  if (!holdsRecords) return
  throw new SaldoError(
    'SALDO_LOG_MISMATCH',
    `this database holds a log of its own, and ${kafkaBrokers.name} names another: start on Kafka with a new data folder (${dataDir.name}) or database (${databaseUrl.name}), or go on with this one without ${kafkaBrokers.name}`,
  )
}

export function refuseOtherLog(
  { identities }: KnownLogs,
  { identity, isOnKafka }: { readonly identity: string; readonly isOnKafka: boolean },
): void {
  if (identities.every((known) => known === identity)) return
  throw new SaldoError(
    'SALDO_LOG_MISMATCH',
    isOnKafka
      ? `the checkpoints of this database were made from another log than the one on these brokers: its topics were created anew, or ${kafkaBrokers.name} or ${kafkaPrefix.name} are others: bring that log back, or start with an empty database and an empty log`
      : `the checkpoints of this database were made from a log that it does not hold: set ${kafkaBrokers.name} to the brokers that do, or use another data folder (${dataDir.name}) or database (${databaseUrl.name})`,
  )
}
