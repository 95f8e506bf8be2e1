/** What the ids of a schema registry were when records began to carry them. */
import type pg from 'pg'
import { asSaldoError } from './postgres/pool.ts'

/** An id of the registry and ours for the same schema. */
export type RegistryId = readonly [registryId: number, ownId: number]

export async function knownRegistryIds(pool: pg.Pool): Promise<readonly RegistryId[]> {
  try {
    const { rows } = await pool.query<{ registry_id: number; own_id: number }>(
      'SELECT registry_id, own_id FROM registry_schema_ids ORDER BY registry_id',
    )
    return rows.map(({ registry_id: registryId, own_id: ownId }) => [registryId, ownId])
  } catch (error) {
    throw asSaldoError(error)
  }
}

/** What is known already stays as it was first noted. */
export async function noteRegistryIds(pool: pg.Pool, ids: readonly RegistryId[]): Promise<void> {
  try {
    await pool.query(
      `INSERT INTO registry_schema_ids (registry_id, own_id)
       SELECT * FROM unnest($1::int[], $2::int[]) ON CONFLICT (registry_id) DO NOTHING`,
      [ids.map(([registryId]) => registryId), ids.map(([, ownId]) => ownId)],
    )
  } catch (error) {
    throw asSaldoError(error)
  }
}
