import type { Config } from '../config/config.ts'
import { settings } from '../config/settings.ts'
import { SaldoError } from '../schemas/errors.ts'
import { topicAdmin } from '../topology/log/kafka-topic-admin.ts'
import { sayDifference, type Difference } from '../topology/log/kafka-topic-plans.ts'
import type { ExitCode } from './exit-codes.ts'
import { kafkaSourceOf } from './open-log.ts'
import type { Output } from './output.ts'

/** Prints how the topics differ from what they ought to be; 1 if they do. */
export async function checkTopics(
  config: Config,
  { json }: { readonly json: boolean },
  out: Output,
): Promise<ExitCode> {
  return await withAdmin(config, async (admin) => {
    const { topics, differences } = await admin.look()
    if (json) out.result(JSON.stringify({ topics, differences: differences.map(asJson) }))
    else sayState(topics, differences, out)
    return differences.length === 0 ? 0 : 1
  })
}

/** Makes what is missing and, with `alter`, changes the settings that differ; 1 if a difference is left. */
export async function createTopics(
  config: Config,
  { alter, json }: { readonly alter: boolean; readonly json: boolean },
  out: Output,
): Promise<ExitCode> {
  return await withAdmin(config, async (admin) => {
    const done = await admin.mend({ alter })
    const { topics, differences } = await admin.look()
    if (json) {
      const left = differences.map(asJson)
      out.result(JSON.stringify({ topics, done: done.map(asJson), differences: left }))
    } else {
      for (const one of done) out.result(sayDone(one))
      sayState(topics, differences, out)
    }
    return differences.length === 0 ? 0 : 1
  })
}

async function withAdmin<T>(
  config: Config,
  work: (admin: Awaited<ReturnType<typeof topicAdmin>>) => Promise<T>,
): Promise<T> {
  const kafka = kafkaSourceOf(config)
  if (kafka === undefined) {
    throw new SaldoError(
      'SALDO_USAGE',
      `${settings.kafkaBrokers.name} is not set, and a log in the database makes its topics by itself`,
    )
  }
  const admin = await topicAdmin({ ...kafka, partitions: config.partitions })
  try {
    return await work(admin)
  } finally {
    await admin.close()
  }
}

function sayState(topics: number, differences: readonly Difference[], out: Output): void {
  if (differences.length === 0) out.result(`${topics} topics are as they ought to be`)
  for (const one of differences) {
    const effect = one.isVital && one.kind !== 'missing' ? ': nothing starts like that' : ''
    out.result(`${one.topic} ${sayDifference(one)}${effect}`)
  }
}

function sayDone({ topic, what, wanted, kind }: Difference): string {
  return kind === 'missing'
    ? `${topic} was created with ${wanted}`
    : `${topic} has ${what}=${wanted} now`
}

function asJson({ topic, what, wanted, found, isVital }: Difference): object {
  return { topic, what, wanted, found, vital: isVital }
}
