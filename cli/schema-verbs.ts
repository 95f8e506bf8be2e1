import type { Command } from 'commander'
import type { Config } from '../config/config.ts'
import type { ExitCode } from './exit-codes.ts'
import type { Output } from './output.ts'

type Wiring = {
  readonly config: () => Config
  readonly out: Output
  readonly end: (code: ExitCode) => void
}

/** The verbs below `saldo schemas`. */
export function schemaVerbs(saldo: Command, { config, out, end }: Wiring): Command {
  const verbs = saldo.command('schemas').description('schemas of the topics, and a schema registry')

  verbs
    .command('check')
    .description(
      'compare the schemas with those released before and with the registry, if one is set; 1 if they do not fit',
    )
    .option('--json', 'print one JSON object', false)
    .action(async (options: { json: boolean }) => {
      const { runSchemasCheck } = await import('./schemas.ts')
      end(await runSchemasCheck(config(), options, out))
    })

  verbs
    .command('register')
    .description('register the schemas that the registry lacks, and set their compatibility level')
    .option('--json', 'print one JSON object', false)
    .action(async (options: { json: boolean }) => {
      const { runSchemasRegister } = await import('./schemas.ts')
      end(await runSchemasRegister(config(), options, out))
    })
  return verbs
}
