import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Mutant } from './mutants.ts'

/** The sources in a folder of their own, where they can be broken. */
export type SourceCopy = {
  readonly folder: string
  /** Breaks the sources while `work` runs, then mends them. */
  broken<T>(mutant: Mutant, work: () => Promise<T>): Promise<T>
  remove(): void
}

const NOT_COPIED = ['node_modules', '.git']

export function copySources(): SourceCopy {
  const folder = mkdtempSync(join(tmpdir(), 'saldo-mutants-'))
  const left = new Set(NOT_COPIED.map((name) => resolve(name)))
  cpSync('.', folder, { recursive: true, filter: (path) => !left.has(resolve(path)) })
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'), 'junction')
  return {
    folder,
    async broken(mutant, work) {
      const before = new Map(
        mutant.edits.map(({ file }) => [file, readFileSync(join(folder, file), 'utf8')]),
      )
      const write = (texts: ReadonlyMap<string, string>): void => {
        for (const [file, text] of texts) writeFileSync(join(folder, file), text)
      }
      write(edited(mutant, before))
      try {
        return await work()
      } finally {
        write(before)
      }
    },
    remove: () => rmSync(folder, { recursive: true }),
  }
}

/** The files of a mutant after its edits. Throws where a text that is to be replaced is not there exactly once. */
export function edited(
  { name, edits }: Mutant,
  files: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const texts = new Map(files)
  for (const { file, from, to } of edits) {
    const [before, after, ...more] = (texts.get(file) ?? '').split(from)
    if (before === undefined || after === undefined || more.length > 0) {
      throw new Error(`mutant "${name}": ${file} does not hold exactly once: ${from}`)
    }
    texts.set(file, before + to + after)
  }
  return texts
}
