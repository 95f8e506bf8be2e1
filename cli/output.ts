/** Where verbs print: results on stdout, everything else on stderr. A reader that leaves early is not an error. */
export type Output = {
  result(line: string): void
  note(line: string): void
  /** Resolves when what was printed has left, so that a slow reader slows the writer. */
  flushed(): Promise<void>
}

export function terminalOutput(): Output {
  let full = false
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit(0)
  })
  return {
    result: (line) => {
      full = !process.stdout.write(`${line}\n`)
    },
    note: (line) => {
      process.stderr.write(`${line}\n`)
    },
    flushed: () =>
      full
        ? new Promise((resolve) => process.stdout.once('drain', () => resolve()))
        : Promise.resolve(),
  }
}
