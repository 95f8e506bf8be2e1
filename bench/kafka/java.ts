/** What the bench runs in Java: jars by Maven and classes by `javac`, made on first use and kept in a cache folder. */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { cacheFolder, cacheRoot } from '../../tests/support/cache-folder.ts'

const POM = join(import.meta.dirname, 'pom.xml')
const SOURCES = join(import.meta.dirname, 'java')
const FETCH_TIMEOUT_MS = 900_000
const ERRORS_KEPT = 20

export type Java = { readonly classPath: string }

export async function prepareJava(note: (text: string) => void): Promise<Java> {
  const jars = join(cacheRoot, `bench-kafka-${await hashOf([POM])}`)
  await cacheFolder(jars, async (folder) => {
    note('fetching Kafka, Kafka Streams and RocksDB by Maven: 115 MB, on first use only')
    const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime']
    const options = ['--quiet', '--batch-mode', '--file', POM, `-DoutputDirectory=${folder}`]
    await promisify(execFile)('mvn', [...goal, ...options], { timeout: FETCH_TIMEOUT_MS })
  })
  const files = (await readdir(SOURCES)).sort().map((name) => join(SOURCES, name))
  const classes = join(cacheRoot, `bench-kafka-classes-${await hashOf([POM, ...files])}`)
  await cacheFolder(classes, async (folder) => {
    note('compiling the peer')
    await promisify(execFile)('javac', ['-d', folder, '-cp', join(jars, '*'), ...files])
  })
  return { classPath: `${classes}:${join(jars, '*')}` }
}

async function hashOf(files: readonly string[]): Promise<string> {
  const hash = createHash('sha256')
  for (const file of files) hash.update(await readFile(file))
  return hash.digest('hex').slice(0, 12)
}

/** A process of the bench and what it says. */
export type Child = {
  readonly pid: number
  /** Resolves with the first line that `isIt` accepts, also one that was said before; rejects when the process ends first. */
  line(isIt: (line: string) => boolean): Promise<string>
  lines(): readonly string[]
  /** The last of what it wrote on standard error. */
  errors(): readonly string[]
  /** Resolves with its exit code. */
  readonly ended: Promise<number | null>
  /** Closes its standard input. */
  endInput(): void
  kill(signal: NodeJS.Signals): Promise<void>
}

const running = new Set<ChildProcess>()

/** From now on a signal ends what the bench started; who waits for it fails, and cleans up. Nothing outlives the bench. */
export function endChildrenWithUs(): void {
  const killAll = (signal: NodeJS.Signals): void => {
    for (const child of running) child.kill(signal)
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => killAll('SIGTERM'))
  process.once('exit', () => killAll('SIGKILL'))
}

export function startJava(
  java: Java,
  options: readonly string[],
  ...rest: readonly string[]
): Child {
  const quiet = ['-Djava.awt.headless=true', '-XX:-UsePerfData']
  return childOf(spawn('java', [...quiet, ...options, '-cp', java.classPath, ...rest]))
}

export function childOf(child: ChildProcess): Child {
  const { stdout, stderr, stdin, pid } = child
  if (stdout === null || stderr === null || pid === undefined) {
    throw new Error(`${child.spawnfile} did not start`)
  }
  running.add(child)
  const said: string[] = []
  const errors: string[] = []
  const waiting = new Set<() => void>()
  const wake = (): void => {
    for (const look of waiting) look()
  }
  let over = false
  const ended = once(child, 'close').then(([code]) => {
    over = true
    running.delete(child)
    wake()
    return code as number | null
  })
  createInterface({ input: stdout }).on('line', (line) => {
    said.push(line)
    wake()
  })
  createInterface({ input: stderr }).on('line', (line) => {
    errors.push(line)
    if (errors.length > ERRORS_KEPT) errors.shift()
  })
  return {
    pid,
    ended,
    lines: () => said,
    errors: () => errors,
    line(isIt) {
      const { promise, resolve, reject } = Promise.withResolvers<string>()
      let from = 0
      const look = (): void => {
        const found = said.slice(from).find(isIt)
        from = said.length
        if (found === undefined && !over) return
        waiting.delete(look)
        if (found !== undefined) return resolve(found)
        const last = [...said.slice(-5), ...errors].join('\n')
        reject(new Error(`${child.spawnargs.slice(-6).join(' ')} ended too early:\n${last}`))
      }
      waiting.add(look)
      look()
      return promise
    },
    endInput: () => stdin?.end(),
    async kill(signal) {
      if (!over) child.kill(signal)
      await ended
    },
  }
}
