import { Argument, type Command } from 'commander'
import type { Config } from '../config/config.ts'
import { publicTopics, type PublicTopic } from '../schemas/public-topics.ts'
import type { ExitCode } from './exit-codes.ts'
import type { Output } from './output.ts'

type Wiring = {
  readonly config: () => Config
  /** For verbs that open nothing but the log. */
  readonly logConfig: () => Config
  readonly out: Output
  readonly end: (code: ExitCode) => void
  readonly stopSignal: () => AbortSignal
}

type ReadOptions = {
  readonly user?: string
  readonly after?: readonly string[]
  readonly follow: boolean
}

type CreateOptions = { readonly dryRun: boolean; readonly alter: boolean; readonly json: boolean }

/** The verbs below `saldo topics`. */
export function topicVerbs(saldo: Command, wiring: Wiring): Command {
  const { config, logConfig, out, end, stopSignal } = wiring
  const verbs = saldo
    .command('topics')
    .description('the topics on Kafka, and what other programs read of them')

  verbs
    .command('check')
    .description('compare the topics on Kafka with what they ought to be; 1 if anything differs')
    .option('--json', 'print one JSON object', false)
    .action(async (options: { json: boolean }) => {
      const { checkTopics } = await import('./kafka-topics.ts')
      end(await checkTopics(logConfig(), options, out))
    })

  verbs
    .command('create')
    .description('make the topics on Kafka that are missing; 1 if a difference is left')
    .option('--dry-run', 'change nothing, print the difference', false)
    .option('--alter', 'change settings of topics that are there, where they differ', false)
    .option('--json', 'print one JSON object', false)
    .action(async ({ dryRun, ...options }: CreateOptions) => {
      const { checkTopics, createTopics } = await import('./kafka-topics.ts')
      end(await (dryRun ? checkTopics : createTopics)(logConfig(), options, out))
    })

  verbs
    .command('read')
    .description('print the records of a topic as JSON lines, in order for each user')
    .addArgument(new Argument('<topic>', 'which').choices(Object.keys(publicTopics)))
    .option('--user <id>', 'only those of one user')
    .option('--after <address...>', 'PARTITION/OFFSET, as printed: only what comes after it')
    .option('--follow', 'go on as records come, until Ctrl-C', false)
    .action(async (topic: PublicTopic, { user, after = [], follow }: ReadOptions) => {
      const { addressOf } = await import('./dlq.ts')
      const { readTopic } = await import('./read-topic.ts')
      const { withLog } = await import('./with-log.ts')
      const wanted = {
        topic,
        after: after.map(addressOf),
        ...(user === undefined ? {} : { userId: user }),
      }
      // Without it Ctrl-C just ends the process, as it does every other verb.
      const stop = follow ? stopSignal() : undefined
      end(
        await withLog(config(), { engine: false }, out, (deps) =>
          readTopic(deps, wanted, out, stop),
        ),
      )
    })
  return verbs
}
