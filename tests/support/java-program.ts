import { execFile, spawn, type ChildProcessByStdio } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { cacheFolder } from './cache-folder.ts'
import { jarsFolder, kafkaJars } from './kafka-jars.ts'

const SOURCES = join(import.meta.dirname, 'java')
const COMPILE_TIMEOUT_MS = 120_000
// Short runs on a busy machine: a quick start counts, a fast steady state does not.
const JVM = ['-Xmx192m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']

/** Starts a program of tests/support/java, which sees the broker's jars and those of `more`; what it prints of itself goes to our stderr. */
export async function startJava(
  name: string,
  args: readonly string[],
  more: readonly string[] = [],
): Promise<ChildProcessByStdio<null, Readable, null>> {
  const jars = [await kafkaJars(), ...more].map((folder) => join(folder, '*')).join(':')
  const classes = await compiled(join(SOURCES, `${name}.java`), jars)
  return spawn('java', [...JVM, '-cp', `${classes}:${jars}`, name, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

/** Compiles on first use, beside the jars; another source is another folder. */
async function compiled(source: string, jars: string): Promise<string> {
  const hash = createHash('sha256').update(await readFile(source))
  const name = basename(source, '.java').toLowerCase()
  const folder = join(`${jarsFolder}-java`, `${name}-${hash.digest('hex').slice(0, 12)}`)
  return await cacheFolder(folder, async (unfinished) => {
    await promisify(execFile)('javac', ['-cp', jars, '-d', unfinished, source], {
      timeout: COMPILE_TIMEOUT_MS,
    })
  })
}
