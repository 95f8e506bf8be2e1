import type { Config } from '../config/config.ts'
import { settings } from '../config/settings.ts'
import { checkSchemas } from '../schemas/check-schemas.ts'
import { SaldoError } from '../schemas/errors.ts'
import { registeredIds } from '../schemas/registered-ids.ts'
import type { ExitCode } from './exit-codes.ts'
import type { Output } from './output.ts'
import { registryOf } from './schema-ids.ts'

/** 1 when a schema cannot follow what was released or what the registry has. A version that is only missing is told. */
export async function runSchemasCheck(
  config: Config,
  { json }: { readonly json: boolean },
  out: Output,
): Promise<ExitCode> {
  const registry = registryOf(config)
  const reports = await checkSchemas(registry, config.kafkaPrefix)
  const problems = reports.reduce((sum, { problems: { length } }) => sum + length, 0)
  if (json) {
    out.result(JSON.stringify({ registry: registry !== undefined, problems, subjects: reports }))
  } else {
    for (const { subject, problems: found, unregistered } of reports) {
      for (const problem of found) out.result(`${subject}: ${problem}`)
      if (unregistered.length > 0) out.result(`${subject}: ${unregistered.length} to be registered`)
    }
    const against =
      registry === undefined ? 'the released ones' : 'the released ones and the registry'
    out.result(`${problems} problems with ${reports.length} schemas, compared with ${against}`)
  }
  return problems === 0 ? 0 : 1
}

/** Registers what is missing and sets the compatibility level where it is another one. */
export async function runSchemasRegister(
  config: Config,
  { json }: { readonly json: boolean },
  out: Output,
): Promise<ExitCode> {
  const registry = registryOf(config)
  if (registry === undefined) {
    throw new SaldoError('SALDO_USAGE', `${settings.schemaRegistryUrl.name} names no registry`)
  }
  const options = { prefix: config.kafkaPrefix, setLevels: true }
  const { outward } = await registeredIds(registry, options)
  if (json) {
    const ids = outward.map(([ownId, registryId]) => ({ ownId, registryId }))
    out.result(JSON.stringify({ registered: ids }))
  } else {
    out.result(`${outward.length} schemas are registered`)
  }
  return 0
}
