/**
 * Starts Java programs on the broker's jars. Two thirds of the processor time of a broker's start are spent on loading
 * its classes and on formatting its folder: an archive of the classes and a formatted folder are made once and kept.
 */
import { execFile, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, realpathSync, statSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { cacheFolder } from './cache-folder.ts'
import { freePorts } from './free-ports.ts'
import { jarsFolder, kafkaJars, onPath } from './kafka-jars.ts'
import { LOG4J, metaProperties, READY, serverProperties } from './kafka-settings.ts'

// Throw-away processes on a busy machine: a quick start counts, a fast steady state does not.
const QUICK = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Djava.awt.headless=true']
const ARCHIVE = 'classes.jsa'
const CHECKPOINT = 'bootstrap.checkpoint'

export const classPath = join(jarsFolder, '*')

/** A random id as Kafka writes them; none begins with a dash, which tools would take for an option. */
export function kafkaId(): string {
  const id = randomBytes(16).toString('base64url')
  return id.startsWith('-') ? kafkaId() : id
}

/** Arguments of `java` for a node whose settings are in the folder. */
export async function nodeArguments(folder: string, heapMb: number): Promise<readonly string[]> {
  const archive = join(await prepareBoot(), ARCHIVE)
  const shared = existsSync(archive) ? ['-Xlog:cds=off', `-XX:SharedArchiveFile=${archive}`] : []
  return [...shared, ...bareArguments(folder, heapMb)]
}

function bareArguments(folder: string, heapMb: number): readonly string[] {
  return [
    `-Xmx${heapMb}m`,
    ...QUICK,
    `-Dlog4j2.configurationFile=${join(folder, 'log4j2.properties')}`,
    '-cp',
    classPath,
    'kafka.Kafka',
    join(folder, 'server.properties'),
  ]
}

/** Writes what `kafka-storage format` writes, without a Java process for it. */
export async function formatFolder(
  folder: string,
  clusterId: string,
  nodeId: number,
): Promise<void> {
  const data = join(folder, 'data')
  await mkdir(data, { recursive: true })
  await copyFile(join(await prepareBoot(), CHECKPOINT), join(data, CHECKPOINT))
  await writeFile(join(data, 'meta.properties'), metaProperties(clusterId, nodeId, kafkaId()))
}

/** Fetches the jars and makes what starts need. One for each set of jars and each Java. */
export async function prepareBoot(): Promise<string> {
  const jars = await kafkaJars()
  const java = realpathSync(onPath('java') ?? '')
  const key = `${java} ${statSync(java).mtimeMs} ${QUICK.join(' ')}`
  const hash = createHash('sha256').update(key).digest('hex').slice(0, 8)
  return await cacheFolder(join(jars, '..', `${basename(jars)}-boot-${hash}`), makeBoot)
}

async function makeBoot(into: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'saldo-kafka-boot-'))
  try {
    const [client = 0, controller = 0] = await freePorts(2)
    const node = { id: 1, client, controller, others: {} }
    const settings = join(folder, 'server.properties')
    await writeFile(settings, serverProperties(folder, node, [node], {}))
    await writeFile(join(folder, 'log4j2.properties'), LOG4J)
    const format = ['format', `--cluster-id=${kafkaId()}`, '-c', settings]
    await promisify(execFile)('java', [
      ...QUICK,
      '-cp',
      classPath,
      'kafka.tools.StorageTool',
      ...format,
    ])
    await copyFile(join(folder, 'data', CHECKPOINT), join(into, CHECKPOINT))
    await runOnce([
      `-XX:ArchiveClassesAtExit=${join(into, ARCHIVE)}`,
      ...bareArguments(folder, 384),
    ])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Until it is ready; then it ends in good order, which writes the archive. */
async function runOnce(command: readonly string[]): Promise<void> {
  const broker = spawn('java', command, { stdio: ['ignore', 'pipe', 'ignore'] })
  const ended = once(broker, 'exit')
  broker.stdout.setEncoding('utf8')
  for await (const text of broker.stdout) {
    if (String(text).includes(READY)) broker.kill('SIGTERM')
  }
  await ended
}
