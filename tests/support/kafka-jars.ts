import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { basename, delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { cacheFolder, cacheRoot } from './cache-folder.ts'

const POM = join(import.meta.dirname, 'kafka-pom.xml')
const FETCH_TIMEOUT_MS = 900_000

/** Where the jars are kept from run to run, outside the repository; another pom is another folder. */
export const jarsFolder = join(
  process.env['SALDO_TEST_KAFKA_CACHE'] ?? cacheRoot,
  `kafka-${createHash('sha256').update(readFileSync(POM)).digest('hex').slice(0, 12)}`,
)

/** Why this machine can run no broker; undefined where it can. Nothing is started to find out. */
export function missingForKafka(): string | undefined {
  if (process.env['SALDO_TEST_KAFKA'] === 'off') return 'SALDO_TEST_KAFKA=off'
  if (onPath('java') === undefined) return 'no java on the path'
  if (onPath('javac') === undefined) return 'no javac on the path: a JDK is needed, not a JRE'
  if (!existsSync(jarsFolder) && onPath('mvn') === undefined) {
    return 'no mvn on the path to fetch the broker'
  }
  return undefined
}

/** Where the program is that its name would start. */
export function onPath(program: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return folders
    .map((folder) => join(folder, program))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

/** The folder of the broker's jars, clients among them; fetched on first use. */
export function kafkaJars(): Promise<string> {
  return cacheFolder(jarsFolder, fetchJars)
}

function fetchJars(folder: string): Promise<void> {
  return copyJars(POM, folder)
}

/** Everything that a pom names, and what that needs. */
export async function copyJars(pom: string, folder: string): Promise<void> {
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime']
  try {
    await promisify(execFile)(
      'mvn',
      ['--quiet', '--batch-mode', '--file', pom, ...goal, `-DoutputDirectory=${folder}`],
      { timeout: FETCH_TIMEOUT_MS },
    )
  } catch (cause) {
    throw new Error(`Maven did not fetch what ${basename(pom)} names: ${firstError(cause)}`, {
      cause,
    })
  }
}

/** Maven says on its standard output what went wrong, and then much about where to read on. */
function firstError(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  if ('killed' in cause && cause.killed === true) return `no end after ${FETCH_TIMEOUT_MS / 1000} s`
  const said = 'stdout' in cause ? String(cause.stdout) : ''
  return /^\[ERROR\] (.+)$/m.exec(said)?.[1] ?? cause.message
}
