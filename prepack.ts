/** Makes `dist/`, which only the npm package holds: a checkout runs its TypeScript and needs no build. */
import { execFileSync } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const root = import.meta.dirname
const dist = join(root, 'dist')
const compiler = join(createRequire(import.meta.filename).resolve('typescript/package.json'), '..')

rmSync(dist, { recursive: true, force: true })
execFileSync(process.execPath, [join(compiler, 'bin', 'tsc'), '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
})
// What the code reads beside itself, and the schemas that other languages generate their types from.
for (const folder of ['schemas', 'sink/migrations']) {
  cpSync(join(root, folder), join(dist, folder), {
    recursive: true,
    filter: (source) => !/\.(?:ts|md)$/.test(source),
  })
}
