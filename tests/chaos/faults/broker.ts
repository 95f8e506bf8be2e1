import { setTimeout as delay } from 'node:timers/promises'
import { openCluster } from '../../../topology/log/kafka-cluster.ts'
import { kafkaNames, type KafkaNames } from '../../../topology/log/kafka-names.ts'
import { ACTOR_GROUP } from '../../../topology/run-actors.ts'
import { END_TXN, PRODUCE } from '../../support/kafka-proxy.ts'
import type { KafkaWorld } from '../kafka-world.ts'
import type { World } from '../world.ts'
import type { Fault } from './fault.ts'

const NO_BROKERS = 'the log is not on Kafka'
const DOWN_MS_MAX = 3_000
/** A transaction is made within this wherever there is work. */
const COMES_WITHIN_MS = 60_000
const LOOK_MS = 10
/** Beyond the time that the engine waits for an answer, so that the next owner is there before. */
const LATE_MS = [11_000, 14_000] as const

const missing = ({ kafka }: World): string | undefined =>
  kafka === undefined ? NO_BROKERS : undefined
const missingBrokers =
  (needed: 1 | 3) =>
  ({ kafka }: World): string | undefined =>
    (kafka?.nodes.length ?? 0) < needed
      ? `it takes ${needed === 1 ? 'a broker that is ours' : 'three brokers that are ours'}`
      : undefined

export const killBroker: Fault = {
  name: 'kill -9 of a broker, then started again',
  share: 1,
  missing: missingBrokers(1),
  async strike(world, injected) {
    const node = world.random.pick(kafkaOf(world).nodes)
    await node.end('SIGKILL')
    injected()
    return `broker ${node.id} ${await startedAgain(world, node)}`
  },
}

/** Groups and transactions of a partition have a coordinator; it ends, and another broker becomes it. */
export const moveCoordinator: Fault = {
  name: 'the transaction coordinator ends, another broker takes over',
  share: 1,
  missing: (world) => ((world.kafka?.nodes.length ?? 0) < 3 ? 'it takes three brokers' : undefined),
  async strike(world, injected) {
    const { nodes, addresses, prefix } = kafkaOf(world)
    const partition = world.random.whole(0, world.log.partitions - 1)
    const id = await coordinatorOf(addresses, kafkaNames(prefix), partition)
    const node = nodes.find((one) => one.id === id)
    if (node === undefined) throw new Error(`no broker ${id}`)
    const signal = world.random.pick(['SIGKILL', 'SIGTERM'] as const)
    await node.end(signal)
    injected()
    return `${signal} of broker ${id}, ${await startedAgain(world, node)}`
  },
}

export const loseEndRequest = lost('the request to commit is lost', END_TXN, 'request')
export const loseEndAnswer = lost('the answer to a commit is lost', END_TXN, 'answer')
export const cutProduce = lost('the connection is cut in the middle of a produce', PRODUCE, 'half')
export const loseProduceAnswer = lost('the answer to a produce is lost', PRODUCE, 'answer')

/** It arrives when its sender has given up and somebody else has taken the partition over. */
export const lateEndRequest: Fault = {
  name: 'the request to commit arrives after the next owner',
  share: 1,
  missing,
  async strike(world, injected) {
    const { proxy } = kafkaOf(world)
    const ms = world.random.whole(...LATE_MS)
    proxy.hold(END_TXN, ms)
    const hit = await whenHit(world)
    injected()
    await delay(ms)
    return `${hit}${ms} ms late`
  },
}

function lost(name: string, apiKey: number, what: 'request' | 'half' | 'answer'): Fault {
  return {
    name,
    share: 1,
    missing,
    async strike(world, injected) {
      kafkaOf(world).proxy.lose(apiKey, what)
      const hit = await whenHit(world)
      injected()
      return `${hit}once`
    },
  }
}

/** Resolves when the proxy has done what it was told to. */
async function whenHit(world: World): Promise<string> {
  const { proxy } = kafkaOf(world)
  const patientUntil = performance.now() + COMES_WITHIN_MS
  while (proxy.left() > 0) {
    await delay(LOOK_MS)
    if (performance.now() < patientUntil) continue
    proxy.heal()
    return 'none came: '
  }
  return ''
}

async function startedAgain(
  { random, isShort }: World,
  node: KafkaWorld['nodes'][number],
): Promise<string> {
  const ms = isShort ? 0 : random.whole(0, DOWN_MS_MAX)
  await delay(ms)
  const before = performance.now()
  await node.start()
  return `down for ${ms} ms and a start of ${Math.round(performance.now() - before)} ms`
}

async function coordinatorOf(
  brokers: readonly string[],
  names: KafkaNames,
  partition: number,
): Promise<number> {
  const cluster = openCluster({ brokers, clientId: 'chaos-operator' })
  await cluster.connect()
  try {
    const place = { group: ACTOR_GROUP, topic: 'ledger.commands', partition } as const
    const { nodeId } = (await cluster.findGroupCoordinator({
      groupId: names.transactionalId(place),
      coordinatorType: 1,
    })) as { readonly nodeId?: number }
    return nodeId ?? -1
  } finally {
    await cluster.disconnect()
  }
}

function kafkaOf({ kafka }: World): KafkaWorld {
  if (kafka === undefined) throw new Error(NO_BROKERS)
  return kafka
}
