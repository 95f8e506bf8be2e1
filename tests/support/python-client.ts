import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { cacheFolder, cacheRoot } from './cache-folder.ts'
import { onPath } from './kafka-jars.ts'

const REQUIREMENTS = join(import.meta.dirname, 'confluent-kafka-requirements.txt')
const SCRIPTS = join(import.meta.dirname, 'python')
const INSTALL_TIMEOUT_MS = 300_000

/** A virtual environment that is kept from run to run, outside the repository; other versions are another folder. */
const folder = join(
  cacheRoot,
  `confluent-kafka-${createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 12)}`,
)

/** Why this machine cannot run Python's client; undefined where it may. Nothing is started to find out. */
export function missingForPython(): string | undefined {
  if (process.env['SALDO_TEST_PYTHON'] === 'off') return 'SALDO_TEST_PYTHON=off'
  if (process.platform === 'win32') return 'it is run on Linux and macOS'
  return existsSync(folder) || onPath('python3') !== undefined
    ? undefined
    : 'no python3 on the path'
}

/** Installs Confluent's client for Python on first use. */
export function pythonClient(): Promise<string> {
  return cacheFolder(folder, async (unfinished) => {
    const run = promisify(execFile)
    const limits = { timeout: INSTALL_TIMEOUT_MS }
    await run('python3', ['-m', 'venv', unfinished], limits)
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
    await run(join(unfinished, 'bin', 'python'), [...pip, '-r', REQUIREMENTS], limits)
  })
}

/** Runs a script of tests/support/python on the client, and answers with what it prints. */
export async function runPython(
  script: string,
  args: readonly string[],
  input: string,
): Promise<string> {
  const python = join(await pythonClient(), 'bin', 'python')
  const running = spawn(python, [join(SCRIPTS, script), ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', PYTHONWARNINGS: 'ignore' },
  })
  const ended = once(running, 'close')
  running.stdin.end(input)
  const output = await text(running.stdout)
  const [code] = await ended
  if (code !== 0) throw new Error(`${script} ended with ${String(code)}`)
  return output
}
