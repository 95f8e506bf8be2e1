import { Presets, SingleBar } from 'cli-progress'

export type Progress = { update(done: number, total: number): void; stop(): void }

/** A bar on a terminal, a line at every tenth elsewhere; always on stderr. */
export function progress(label: string, note: (line: string) => void): Progress {
  if (!process.stderr.isTTY) return lines(label, note)
  const bar = new SingleBar(
    { format: `${label} {bar} {percentage} % ({value} of {total})`, stream: process.stderr },
    Presets.shades_classic,
  )
  let started = false
  return {
    update(done, total) {
      if (!started) bar.start(total, done)
      else bar.update(done)
      started = true
    },
    stop: () => bar.stop(),
  }
}

function lines(label: string, note: (line: string) => void): Progress {
  let printed = -1
  return {
    update(done, total) {
      const tenth = total === 0 ? 10 : Math.floor((done * 10) / total)
      if (tenth === printed) return
      printed = tenth
      note(`${label} ${tenth * 10} % (${done} of ${total})`)
    },
    stop: () => undefined,
  }
}
