import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { cacheFolder } from './cache-folder.ts'
import { freePorts } from './free-ports.ts'
import { jarsFolder, missingForKafka } from './kafka-jars.ts'

const VERSION = '3.0.9'
const ARTIFACT = `io.apicurio:apicurio-registry-app:${VERSION}:tar.gz:all`
// Its parent is in no public repository: a pom that names the registry cannot be resolved, so that its file is asked for.
const FETCH = 'org.apache.maven.plugins:maven-dependency-plugin:2.8:get'
const FETCH_TIMEOUT_MS = 900_000
const JVM = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']
const ARCHIVE = 'classes.jsa'
// Without its folder: an archive of classes holds for the path that it was made with.
const PROGRAM = [...JVM, '-jar', `apicurio-registry-app-${VERSION}-runner.jar`]
const run = promisify(execFile)

/** What its log says when it is ready. */
export const REGISTRY_READY = 'Listening on:'

/** Where the unpacked registry is kept from run to run, beside the broker's jars. */
const appFolder = join(dirname(jarsFolder), `apicurio-${VERSION}`)

/** Why this machine can run no registry; undefined where it can. Nothing is started to find out. */
export function missingForRegistry(): string | undefined {
  if (process.env['SALDO_TEST_REGISTRY'] === 'off') return 'SALDO_TEST_REGISTRY=off'
  return missingForKafka()
}

/** The folder to start the registry in, and the arguments of `java`; it is fetched on first use. */
export async function registryProgram(): Promise<{ cwd: string; args: readonly string[] }> {
  const cwd = await cacheFolder(appFolder, fetchApp)
  const shared = existsSync(join(cwd, ARCHIVE))
    ? ['-Xlog:cds=off', `-XX:SharedArchiveFile=${ARCHIVE}`]
    : []
  return { cwd, args: [...shared, ...PROGRAM] }
}

/** Where the registry listens. */
export function registryEnvironment(port: number): NodeJS.ProcessEnv {
  return {
    ...process.env,
    QUARKUS_HTTP_HOST: '127.0.0.1',
    QUARKUS_HTTP_PORT: `${port}`,
    QUARKUS_HTTP_ACCESS_LOG_ENABLED: 'false',
    // Without it the registry does not say when it is ready.
    QUARKUS_LOG_CATEGORY__IO_QUARKUS__LEVEL: 'INFO',
  }
}

async function fetchApp(folder: string): Promise<void> {
  const packed = join(folder, 'app.tar.gz')
  const wanted = ['-Dtransitive=false', `-Dartifact=${ARTIFACT}`, `-Ddest=${packed}`]
  const limits = { timeout: FETCH_TIMEOUT_MS }
  await run('mvn', ['--quiet', '--batch-mode', FETCH, ...wanted], limits)
  await run('tar', ['-xzf', packed, '-C', folder], limits)
  await rm(packed)
  await archiveClasses(folder)
}

/** Loading classes is nearly half of a start: one run writes down for every later one how they are loaded. */
async function archiveClasses(folder: string): Promise<void> {
  const [port = 0] = await freePorts(1)
  const registry = spawn('java', [`-XX:ArchiveClassesAtExit=${ARCHIVE}`, ...PROGRAM], {
    cwd: folder,
    env: registryEnvironment(port),
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const ended = once(registry, 'exit')
  registry.stdout.setEncoding('utf8')
  for await (const text of registry.stdout) {
    // Only an orderly end writes it.
    if (String(text).includes(REGISTRY_READY)) registry.kill('SIGTERM')
  }
  await ended
}
