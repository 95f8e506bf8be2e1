import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const POM = join(import.meta.dirname, 'kafka-pom.xml')
const FETCH_TIMEOUT_MS = 900_000

/** Where the jars are kept from run to run, outside the repository; another pom is another folder. */
export const jarsFolder = join(
  process.env['SALDO_TEST_KAFKA_CACHE'] ??
    join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'saldo-tests'),
  `kafka-${createHash('sha256').update(readFileSync(POM)).digest('hex').slice(0, 12)}`,
)

/** Why this machine can run no broker; undefined where it can. Nothing is started to find out. */
export function missingForKafka(): string | undefined {
  if (process.env['SALDO_TEST_KAFKA'] === 'off') return 'SALDO_TEST_KAFKA=off'
  if (!isOnPath('java')) return 'no java on the path'
  if (!existsSync(jarsFolder) && !isOnPath('mvn')) return 'no mvn on the path to fetch the broker'
  return undefined
}

function isOnPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** Fetches the jars on first use; two runs at once fetch twice and keep one. */
export async function kafkaJars(): Promise<string> {
  if (existsSync(jarsFolder)) return jarsFolder
  await mkdir(join(jarsFolder, '..'), { recursive: true })
  const unfinished = await mkdtemp(`${jarsFolder}-`)
  try {
    await promisify(execFile)(
      'mvn',
      [
        '--quiet',
        '--batch-mode',
        '--file',
        POM,
        'dependency:copy-dependencies',
        '-DincludeScope=runtime',
        `-DoutputDirectory=${unfinished}`,
      ],
      { timeout: FETCH_TIMEOUT_MS },
    )
    // The rename fails when another run was first: its folder is as good.
    await rename(unfinished, jarsFolder).catch((error: unknown) => {
      if (!existsSync(jarsFolder)) throw error
    })
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
  return jarsFolder
}
