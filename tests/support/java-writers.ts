import { once } from 'node:events'
import { startJava } from './java-program.ts'

/**
 * Has producers of Java's client do what the lines say, one after the other: tests/support/java/ScriptedWriters.java
 * knows the words.
 */
export async function writeByJava(
  brokers: readonly string[],
  script: readonly string[],
): Promise<void> {
  const java = await startJava('ScriptedWriters', [brokers.join(','), script.join('\n')])
  const ended = once(java, 'close')
  java.stdout.resume()
  const [code] = await ended
  if (code !== 0) throw new Error(`Java's producers ended with ${String(code)}`)
}
