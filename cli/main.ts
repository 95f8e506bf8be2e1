#!/usr/bin/env node
/** The one place that reads the environment. Each verb is a file of its own, loaded when it is used. */
import { stat } from 'node:fs/promises'
import { Argument, Command, CommanderError, Option } from 'commander'
import { readConfig } from '../config/config.ts'
import { profiles } from '../connectors/profiles/profiles.ts'
import { isId } from '../schemas/ids.ts'
import { SaldoError } from '../schemas/errors.ts'
import { dlqVerbs } from './dlq-verbs.ts'
import { schemaVerbs } from './schema-verbs.ts'
import { topicVerbs } from './topic-verbs.ts'
import { exitCodeOf, sentenceOf, type ExitCode } from './exit-codes.ts'
import { terminalOutput } from './output.ts'
import { roleNames, roleNeeds } from './role-needs.ts'
import type { RoleName } from './roles.ts'

const out = terminalOutput()
const config = () => readConfig(process.env)

/** npm passes Ctrl-C on to a process that the terminal has told already: that is not a second one. */
const ECHO_MS = 500

/** Fires on Ctrl-C and on SIGTERM; a second signal ends the process at once. */
function stopSignal(): AbortSignal {
  const stop = new AbortController()
  let firstAt = 0
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (!stop.signal.aborted) firstAt = performance.now()
      else if (performance.now() - firstAt > ECHO_MS) process.exit(1)
      stop.abort()
    })
  }
  return stop.signal
}

function idOf(option: string, value: string): string {
  if (isId(value)) return value
  throw new SaldoError(
    'SALDO_USAGE',
    `${option} must be 1 to 64 letters, digits and . _ : -, got "${value}"`,
  )
}

/** The code that the process ends with once everything is printed. */
const end = (code: ExitCode): void => {
  process.exitCode = code
}

const saldo = new Command('saldo')
  .description(
    'personal-finance engine: commands become events exactly once, events become tables and answers',
  )
  .showHelpAfterError('(saldo --help shows how it is used)')
  .addHelpText(
    'after',
    '\nExit codes: 0 done, 1 a difference or a failed item, 2 wrong use or configuration, 3 something needed is not reachable.\nSettings come from the environment: config/example.env lists them.',
  )

saldo
  .command('up')
  .description('run the whole engine on this machine; the first start shows a demo')
  .option('--no-demo', 'start empty')
  .action(async (options: { demo: boolean }) => {
    const { up } = await import('./up.ts')
    await up(config(), options, stopSignal(), out)
  })

saldo
  .command('run')
  .addArgument(new Argument('<role>', 'what to run').choices(roleNames))
  .description('run one role alone, in the foreground; SIGTERM drains it')
  .action(async (role: RoleName) => {
    const settings = readConfig(process.env, roleNeeds[role])
    const { run } = await import('./run.ts')
    await run(settings, role, stopSignal(), out)
  })

saldo
  .command('send')
  .argument('[file]', 'JSON lines of commands; - is standard input', '-')
  .description('publish commands; with --wait print the answer to each as a JSON line')
  .option('--wait', 'wait for the answers', false)
  .action(async (file: string, { wait }: { wait: boolean }) => {
    const { linesOf, send } = await import('./send.ts')
    const lines = linesOf(file)
    const { withLog } = await import('./with-log.ts')
    end(
      await withLog(config(), { engine: wait }, out, ({ log }) => send(log, lines, { wait }, out)),
    )
  })

saldo
  .command('import')
  .argument('<file>', 'bank file, CSV')
  .description(
    'record the rows of a bank file; the same row is recorded once, however often it is imported',
  )
  .requiredOption('--user <id>', 'whose ledger')
  .requiredOption('--account <id>', 'account that the file is of')
  .option('--currency <code>', 'open the account in this currency when it is missing')
  .addOption(
    new Option('--profile <name>', 'layout of the file')
      .choices(profiles.map(({ name }) => name))
      .makeOptionMandatory(),
  )
  .option('--json', 'print one JSON object', false)
  .action(async (file: string, options: ImportOptions) => {
    const { runImport } = await import('./run-import.ts')
    const { user, account } = {
      user: idOf('--user', options.user),
      account: idOf('--account', options.account),
    }
    const size = await stat(file).catch(() => {
      throw new SaldoError('SALDO_USAGE', `there is no file "${file}"`)
    })
    end(await runImport(config(), { ...options, user, account, file, bytes: size.size }, out))
  })

type ImportOptions = {
  readonly user: string
  readonly account: string
  readonly currency?: string
  readonly profile: string
  readonly json: boolean
}

saldo
  .command('events')
  .description('print the events of a user as JSON lines')
  .requiredOption('--user <id>', 'whose ledger')
  .action(async ({ user }: { user: string }) => {
    const { runEvents } = await import('./events.ts')
    const { withLog } = await import('./with-log.ts')
    const userId = idOf('--user', user)
    end(
      await withLog(config(), { engine: false }, out, (deps) =>
        runEvents({ ...deps, userId }, out),
      ),
    )
  })

saldo
  .command('state')
  .description('print the state of a ledger, now or after an event of the past')
  .requiredOption('--user <id>', 'whose ledger')
  .option('--at <sequence>', 'after the event with this sequence')
  .option('--json', 'print one JSON object', false)
  .action(async ({ user, at, json }: { user: string; at?: string; json: boolean }) => {
    const { runState } = await import('./state.ts')
    const { withLog } = await import('./with-log.ts')
    const userId = idOf('--user', user)
    if (at !== undefined && !/^[1-9]\d{0,14}$/.test(at)) {
      throw new SaldoError(
        'SALDO_USAGE',
        `--at must be a sequence, a whole number from 1, got "${at}"`,
      )
    }
    const sequence = at === undefined ? {} : { sequence: Number(at) }
    end(
      await withLog(config(), { engine: false }, out, (deps) =>
        runState({ ...deps, userId, ...sequence }, { json }, out),
      ),
    )
  })

saldo
  .command('unpark')
  .description('send the parked commands of a ledger again, in their order, and unpark it')
  .requiredOption('--user <id>', 'whose ledger')
  .option('--json', 'print one JSON object', false)
  .action(async ({ user, json }: { user: string; json: boolean }) => {
    const { runUnpark } = await import('./unpark.ts')
    const { withLog } = await import('./with-log.ts')
    const userId = idOf('--user', user)
    end(
      await withLog(config(), { engine: true }, out, (deps) =>
        runUnpark({ ...deps, userId }, { json }, out),
      ),
    )
  })

const dlq = dlqVerbs(saldo, { config, out, end })
const logConfig = () => readConfig(process.env, { log: true, masterKey: false, tokens: false })
const topics = topicVerbs(saldo, { config, logConfig, out, end, stopSignal })
const schemas = schemaVerbs(saldo, { config: logConfig, out, end })

saldo
  .command('verify')
  .description(
    'fold every event from the beginning and compare with checkpoints and tables; 1 if anything differs',
  )
  .option('--json', 'print one JSON object', false)
  .action(async (options: { json: boolean }) => {
    const { runVerify } = await import('./verify.ts')
    const { withLog } = await import('./with-log.ts')
    end(await withLog(config(), { engine: false }, out, (deps) => runVerify(deps, options, out)))
  })

saldo
  .command('rebuild')
  .argument('[name]', 'table or processor')
  .description('fold a table again from the first event, beside the live one, and swap it in')
  .option('--all', 'every table, one after the other', false)
  .option('--json', 'print a JSON object per table', false)
  .action(async (name: string | undefined, { all, json }: { all: boolean; json: boolean }) => {
    if (all === (name !== undefined)) {
      throw new SaldoError('SALDO_USAGE', 'name a table or a processor, or say --all')
    }
    const { jobsNamed, runRebuild } = await import('./rebuild.ts')
    const { withLog } = await import('./with-log.ts')
    jobsNamed(name)
    const options = name === undefined ? { json } : { name, json }
    const stop = stopSignal()
    end(
      await withLog(config(), { engine: false }, out, (deps) =>
        runRebuild(deps, options, stop, out),
      ),
    )
  })

saldo
  .command('topology')
  .description('print every topic, who writes it and who reads it')
  .option('--tables', 'print what each table is made from, and when it was rebuilt', false)
  .option('--json', 'print one JSON array', false)
  .action(async ({ tables, json }: { tables: boolean; json: boolean }) => {
    if (tables) {
      const { runLineage } = await import('./lineage.ts')
      const { withLog } = await import('./with-log.ts')
      await withLog(config(), { engine: false }, out, ({ databaseUrl }) =>
        runLineage(databaseUrl, { json }, out),
      )
      return
    }
    const { topology } = await import('../topology/topology.ts')
    const { describe } = await import('../topology/graph.ts')
    out.result(json ? JSON.stringify(topology) : describe(topology))
  })

saldo
  .command('migrate')
  .description('bring the database to the newest version, or to a given one')
  .option('--to <version>', 'version to go to, up or down')
  .option('--json', 'print one JSON object', false)
  .action(async (options: { to?: string; json: boolean }) => {
    const { runMigrate } = await import('./migrate.ts')
    await runMigrate(config(), options, out)
  })

saldo
  .command('token')
  .description('print a development token for a user')
  .requiredOption('--user <id>', 'whose data it shows')
  .option('--operator', 'let it read the data of every user', false)
  .option('--expires <time>', 'how long it is valid, such as 30m or 2h', '12h')
  .action(async ({ user, operator, expires }: TokenOptions) => {
    const { developmentToken } = await import('../api/token.ts')
    const { jwtSecretOf } = await import('./secrets.ts')
    if (!/^[1-9]\d{0,5}[smhd]$/.test(expires)) {
      throw new SaldoError(
        'SALDO_USAGE',
        `--expires must be a time such as 90s, 30m, 2h or 7d, got "${expires}"`,
      )
    }
    const settings = config()
    const { jwtAudience: audience, jwtIssuer: issuer } = settings
    const token = await developmentToken({
      userId: idOf('--user', user),
      secret: jwtSecretOf(settings),
      expiresIn: expires,
      operator,
      audience,
      ...(issuer === undefined ? {} : { issuer }),
    })
    out.result(token)
  })

type TokenOptions = { readonly user: string; readonly operator: boolean; readonly expires: string }

for (const verb of [
  saldo,
  ...saldo.commands,
  ...dlq.commands,
  ...topics.commands,
  ...schemas.commands,
])
  verb.exitOverride()

try {
  await saldo.parseAsync()
} catch (error) {
  // commander has printed its sentence; help and version are not errors.
  if (error instanceof CommanderError) end(error.exitCode === 0 ? 0 : 2)
  else {
    out.note(sentenceOf(error))
    end(exitCodeOf(error))
  }
}
// What is left open now has nobody to wait for it.
await out.flushed()
process.exit()
