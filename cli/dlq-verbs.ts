import type { Command } from 'commander'
import type { Config } from '../config/config.ts'
import type { ExitCode } from './exit-codes.ts'
import type { Output } from './output.ts'

type Wiring = {
  readonly config: () => Config
  readonly out: Output
  readonly end: (code: ExitCode) => void
}

/** The verbs below `saldo dlq`. */
export function dlqVerbs(saldo: Command, { config, out, end }: Wiring): Command {
  const dlq = saldo
    .command('dlq')
    .description(
      'dead letters: records that could not be read, and commands that the engine failed on',
    )

  dlq
    .command('list')
    .description('list what nobody has dealt with, oldest first in each partition')
    .option('--all', 'also what was replayed or dropped', false)
    .option('--json', 'print one JSON array', false)
    .action(async (options: { all: boolean; json: boolean }) => {
      const { runDlqList } = await import('./dlq.ts')
      const { withLog } = await import('./with-log.ts')
      end(await withLog(config(), { engine: false }, out, (deps) => runDlqList(deps, options, out)))
    })

  dlq
    .command('show')
    .description('print a dead letter with its content, opened with the key of the operator')
    .argument('<address>', 'PARTITION/OFFSET, as list prints it')
    .option('--json', 'print one JSON object', false)
    .action(async (typed: string, options: { json: boolean }) => {
      const { addressOf, runDlqShow } = await import('./dlq.ts')
      const { withLog } = await import('./with-log.ts')
      const address = addressOf(typed)
      end(
        await withLog(config(), { engine: false }, out, (deps) =>
          runDlqShow(deps, address, options, out),
        ),
      )
    })

  for (const verb of ['replay', 'drop'] as const) {
    dlq
      .command(verb)
      .description(
        verb === 'replay'
          ? 'send the commands in dead letters again and wait for the answers'
          : 'mark dead letters as dealt with',
      )
      .argument('<address...>', 'PARTITION/OFFSET, as list prints it')
      .option('--json', 'print one JSON array', false)
      .action(async (typed: readonly string[], options: { json: boolean }) => {
        const { addressOf, runDlqDrop, runDlqReplay } = await import('./dlq.ts')
        const { withLog } = await import('./with-log.ts')
        const addresses = typed.map(addressOf)
        const run = verb === 'replay' ? runDlqReplay : runDlqDrop
        end(
          await withLog(config(), { engine: verb === 'replay' }, out, (deps) =>
            run(deps, addresses, options, out),
          ),
        )
      })
  }
  return dlq
}
