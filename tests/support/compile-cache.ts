import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * For processes of ours that tests start: what the first one compiled and stripped of its types the next ones find, in
 * each of their threads. Half of the processor time of a short verb is that. Node makes a new one per version.
 */
export const compileCache = {
  NODE_COMPILE_CACHE: join(tmpdir(), 'saldo-tests-compile-cache'),
}
