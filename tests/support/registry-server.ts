import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { freePorts } from './free-ports.ts'
import { REGISTRY_READY, registryEnvironment, registryProgram } from './registry-app.ts'

export type RegistryServer = {
  /** Address of Confluent's API. */
  readonly url: string
  stop(): Promise<void>
}

/** An Apicurio registry on loopback, with its data in memory; `folder` holds its pid and goes when it stops. */
export async function startRegistry(folder: string): Promise<RegistryServer> {
  const { cwd, args } = await registryProgram()
  const [port = 0] = await freePorts(1)
  // Where the end of a run looks for servers that nobody stopped, and how it knows them.
  const own = join(folder, 'server')
  await mkdir(own, { recursive: true })
  const registry = spawn('java', [`-Dsaldo.folder=${own}`, ...args], {
    cwd,
    env: registryEnvironment(port),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  await writeFile(join(own, 'broker.pid'), `${registry.pid}`)
  await started(registry)
  return {
    url: `http://127.0.0.1:${port}/apis/ccompat/v7`,
    async stop() {
      if (registry.exitCode === null && registry.signalCode === null) {
        // Nothing in it is kept.
        registry.kill('SIGKILL')
        await once(registry, 'exit')
      }
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Its log says when it is ready; if it ends before, the log says why. */
async function started(registry: ChildProcess): Promise<void> {
  const lines: string[] = []
  const ready = Promise.withResolvers<void>()
  for (const output of [registry.stdout, registry.stderr]) {
    if (output === null) throw new Error('a registry without output')
    createInterface({ input: output }).on('line', (line) => {
      if (lines.push(line) > 50) lines.shift()
      if (line.includes(REGISTRY_READY)) ready.resolve()
    })
  }
  registry.on('exit', (code) => {
    ready.reject(new Error(`the registry ended with ${code}:\n${lines.join('\n')}`))
  })
  await ready.promise
}
