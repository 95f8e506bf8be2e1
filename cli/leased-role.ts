import { startRoleServer } from '../api/role-server.ts'
import type { Membership } from '../topology/leases.ts'
import type { Role, RoleOptions } from './roles.ts'

/** A role that works on the partitions that fall to it: ready when it has one. */
export async function leasedRole(
  options: RoleOptions,
  ended: Promise<void>,
  memberships: readonly Membership[],
  metrics: () => Promise<string>,
  close: () => Promise<void>,
): Promise<Role> {
  ended.catch(() => undefined)
  const owned = (): number =>
    memberships.reduce((sum, membership) => sum + membership.owned().length, 0)
  const server = options.serve
    ? await startRoleServer({
        host: options.host,
        port: options.port,
        metrics,
        ready: () =>
          Promise.resolve([
            owned() > 0
              ? { name: 'partitions', ready: true }
              : { name: 'partitions', ready: false, reason: 'no partition is assigned yet' },
          ]),
      })
    : undefined
  return {
    url: server?.url,
    ended,
    async drain() {
      await Promise.all(memberships.map((membership) => membership.leave()))
      await server?.close()
      await close()
    },
  }
}
