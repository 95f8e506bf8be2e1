import { Argument, type Command } from 'commander'
import type { Config } from '../config/config.ts'
import { publicTopics, type PublicTopic } from '../schemas/public-topics.ts'
import type { ExitCode } from './exit-codes.ts'
import type { Output } from './output.ts'

type Wiring = {
  readonly config: () => Config
  readonly out: Output
  readonly end: (code: ExitCode) => void
  readonly stopSignal: () => AbortSignal
}

type ReadOptions = {
  readonly user?: string
  readonly after?: readonly string[]
  readonly follow: boolean
}

/** The verbs below `saldo topics`. */
export function topicVerbs(saldo: Command, { config, out, end, stopSignal }: Wiring): Command {
  const verbs = saldo.command('topics').description('topics for other programs')

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
