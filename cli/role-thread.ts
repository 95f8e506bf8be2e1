/** Entry of a worker thread that runs one role; `cli/threads.ts` starts it and speaks with it. */
import { parentPort, workerData } from 'node:worker_threads'
import { startRole, type RoleOptions } from './roles.ts'
import { failureOf, type FromThread } from './threads.ts'

const parent = parentPort
if (parent === null) throw new Error('role-thread.ts runs as a worker')
const say = (message: FromThread): void => parent.postMessage(message)

try {
  const role = await startRole(workerData as RoleOptions)
  role.ended.catch((error: unknown) => say({ kind: 'failed', ...failureOf(error) }))
  parent.on('message', () => {
    role.drain().then(
      () => {
        say({ kind: 'drained' })
        parent.close()
      },
      (error: unknown) => say({ kind: 'failed', ...failureOf(error) }),
    )
  })
  say({ kind: 'ready', url: role.url })
} catch (error) {
  say({ kind: 'failed', ...failureOf(error) })
}
