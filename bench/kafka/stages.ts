/** What each stage of the actors costs on Kafka, one after the other in one process (bench/stages.ts). */
import { masterKeyOf } from '../../cli/secrets.ts'
import { keyring } from '../../privacy/keyring.ts'
import { ACTOR_GROUP } from '../../topology/run-actors.ts'
import { actorStages, printStages } from '../stages.ts'
import { StageClock } from '../stage-clock.ts'
import { inWorld, type Bench } from './bench.ts'
import { hasConsumed } from './consumption.ts'
import { startActors, type World } from './engine.ts'
import { loadCommands } from './traffic.ts'

export async function kafkaStages(
  bench: Bench,
  options: { readonly commands: number; readonly users: number; readonly partitions: number },
): Promise<void> {
  await inWorld(bench, options.partitions, async (world) => {
    const { tables, log } = world
    bench.report.note(`stages: loading ${options.commands} commands`)
    const to = { broker: world.broker, topic: world.topic('ledger.commands') }
    await loadCommands(bench.java, to, { ...options, commands: 0 }, bench.report.note)
    await openAccounts(bench, world, options.users)
    const commands = { ...options, accountsAreOpen: true }
    await loadCommands(bench.java, to, commands, bench.report.note)
    const clock = new StageClock(tables.pool)
    const keys = keyring(tables.pool, masterKeyOf(tables.config))
    for (let partition = 0; partition < options.partitions; partition++) {
      bench.report.note(`stages: partition ${partition}`)
      await actorStages({ ...tables, log }, partition, keys, clock)
    }
    printStages('kafka', clock, options.commands, bench.report)
  })
}

async function openAccounts({ admin, report }: Bench, world: World, total: number): Promise<void> {
  const engine = await startActors(world)
  const group = { id: `${world.prefix}${ACTOR_GROUP}`, topic: world.topic('ledger.commands') }
  await hasConsumed(admin, { ...group, total, ended: engine.ended }, report.note)
  await engine.kill('SIGTERM')
}
