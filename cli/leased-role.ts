import { startRoleServer } from '../api/role-server.ts'
import type { Membership } from '../topology/leases.ts'
import type { Log } from '../topology/log/log.ts'
import { logReadiness } from './log-readiness.ts'
import type { Role, RoleOptions } from './roles.ts'

/** A role that works on the partitions that fall to it: ready when it has one and the log answers. */
export async function leasedRole(
  options: RoleOptions,
  role: {
    readonly log: Log
    readonly ended: Promise<void>
    readonly memberships: readonly Membership[]
    metrics(): Promise<string>
    close(): Promise<void>
  },
): Promise<Role> {
  const { log, ended, memberships } = role
  ended.catch(() => undefined)
  const owned = (): number =>
    memberships.reduce((sum, membership) => sum + membership.owned().length, 0)
  const logAnswers = logReadiness(log)
  const server = options.serve
    ? await startRoleServer({
        host: options.host,
        port: options.port,
        metrics: () => role.metrics(),
        ready: async () => [
          owned() > 0
            ? { name: 'partitions', ready: true }
            : { name: 'partitions', ready: false, reason: 'no partition is assigned yet' },
          await logAnswers(),
        ],
      })
    : undefined
  return {
    url: server?.url,
    ended,
    async drain() {
      await Promise.all(memberships.map((membership) => membership.leave()))
      await server?.close()
      await role.close()
    },
  }
}
