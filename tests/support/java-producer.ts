import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { cacheFolder } from './cache-folder.ts'
import { startJava } from './java-program.ts'
import { copyJars, jarsFolder } from './kafka-jars.ts'

const POM = join(import.meta.dirname, 'avro-pom.xml')

/** The folder of Avro's jars, fetched on first use. */
export function avroJars(): Promise<string> {
  const hash = createHash('sha256').update(readFileSync(POM)).digest('hex').slice(0, 12)
  return cacheFolder(join(dirname(jarsFolder), `avro-${hash}`), (folder) => copyJars(POM, folder))
}

/** Publishes the commands of a file, one per line in Avro's JSON, with Java's client and Avro's own encoder. */
export async function publishByJava(target: {
  readonly brokers: string
  readonly registry: string
  readonly topic: string
  readonly file: string
}): Promise<void> {
  const { brokers, registry, topic, file } = target
  const java = await startJava(
    'PublishCommands',
    [brokers, registry, topic, file],
    [await avroJars()],
  )
  const ended = once(java, 'close')
  // Its log, of errors only.
  const said = await text(java.stdout)
  const [code] = await ended
  if (code !== 0) throw new Error(`Java's producer ended with ${String(code)}:\n${said}`)
}
