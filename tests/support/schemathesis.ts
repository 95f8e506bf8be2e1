import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const REQUIREMENTS = join(import.meta.dirname, 'schemathesis-requirements.txt')
const INSTALL_TIMEOUT_MS = 300_000
const run = promisify(execFile)

/** A virtual environment that is kept from run to run, outside the repository; other versions are another folder. */
const folder = join(
  process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'),
  'saldo-tests',
  `schemathesis-${createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 12)}`,
)

/** Why this machine cannot run it; undefined where it may. Nothing is started to find out. */
export function missingForSchemathesis(): string | undefined {
  if (process.env['SALDO_TEST_SCHEMATHESIS'] === 'off') return 'SALDO_TEST_SCHEMATHESIS=off'
  if (process.platform === 'win32') return 'it is run on Linux and macOS'
  return existsSync(folder) || isOnPath('python3') ? undefined : 'no python3 on the path'
}

function isOnPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((place) => {
    try {
      accessSync(join(place, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

export type Schemathesis = {
  /** Its exit code, and what it printed; what it notes down for itself is left in the folder. */
  run(
    args: readonly string[],
    cwd: string,
  ): Promise<{ readonly code: number; readonly output: string }>
}

/** Installs it on first use; two runs at once install twice and keep one. Rejects where that does not work. */
export async function schemathesis(): Promise<Schemathesis> {
  if (!existsSync(folder)) await install()
  return {
    async run(args, cwd) {
      // Not its script: that names the folder that it was installed in, which was renamed.
      const python = join(folder, 'bin', 'python')
      const program = ['-c', 'from schemathesis.cli import schemathesis; schemathesis()', ...args]
      const limits = { cwd, maxBuffer: 1 << 26, env: { ...process.env, PYTHONUNBUFFERED: '1' } }
      try {
        const { stdout, stderr } = await run(python, program, limits)
        return { code: 0, output: stdout + stderr }
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && typeof error.code === 'number'))
          throw error
        const { code, stdout, stderr } = error as Error & { code: number } & Printed
        return { code, output: stdout + stderr }
      }
    },
  }
}

type Printed = { readonly stdout: string; readonly stderr: string }

async function install(): Promise<void> {
  await mkdir(join(folder, '..'), { recursive: true })
  const unfinished = await mkdtemp(`${folder}-`)
  const limits = { timeout: INSTALL_TIMEOUT_MS }
  try {
    await run('python3', ['-m', 'venv', unfinished], limits)
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
    await run(join(unfinished, 'bin', 'python'), [...pip, '-r', REQUIREMENTS], limits)
    // The rename fails when another run was first: its folder is as good.
    await rename(unfinished, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error
    })
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
}
