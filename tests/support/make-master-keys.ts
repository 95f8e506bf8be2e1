/** A thread that makes or reads the master key of every path at the same moment as the others, and tells them. */
import { parentPort, threadId, workerData } from 'node:worker_threads'
import { ownMasterKey } from '../../privacy/master-key.ts'

export type KeyMakers = {
  readonly paths: readonly string[]
  readonly threads: number
  /** One counter: how many threads have come to how many paths. */
  readonly arrivals: Int32Array<SharedArrayBuffer>
}

const { paths, threads, arrivals } = workerData as KeyMakers
const isLate = threadId % 2 === 0
const keys = paths.map((path, index) => {
  Atomics.add(arrivals, 0, 1)
  while (Atomics.load(arrivals, 0) < threads * (index + 1));
  // One comes a little later, each time by another moment.
  const from = process.hrtime.bigint() + (isLate ? BigInt((index % 50) * 2_000) : 0n)
  while (process.hrtime.bigint() < from);
  try {
    return ownMasterKey(path).toString('hex')
  } catch (error) {
    return String(error)
  }
})
parentPort?.postMessage(keys)
