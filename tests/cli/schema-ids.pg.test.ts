import { afterAll, beforeAll, expect, test } from 'vitest'
import { schemaIdsOf } from '../../cli/schema-ids.ts'
import { readConfig } from '../../config/config.ts'
import type { SchemaIds } from '../../schemas/schema-ids.ts'
import { openPool } from '../../sink/postgres/pool.ts'
import { knownRegistryIds, noteRegistryIds } from '../../sink/registry-ids.ts'
import { memoryRegistry, type MemoryRegistry } from '../support/memory-registry.ts'
import { describePostgres } from '../support/postgres.ts'

describePostgres('the ids of a schema registry', (database) => {
  let registry: MemoryRegistry
  beforeAll(async () => {
    registry = await memoryRegistry()
  })
  afterAll(() => registry.close())

  /** What a process that starts is told. */
  const started = (): Promise<SchemaIds | undefined> =>
    schemaIdsOf(readConfig({ SCHEMA_REGISTRY_URL: registry.url }), database.url, () => {})

  test('are noted at the first start; a registry that lost them is refused and given nothing', async () => {
    const first = await started()
    expect(first?.inward.length).toBeGreaterThan(0)
    expect(await started()).toEqual(first)

    const backup = registry.lose()
    await expect(started()).rejects.toMatchObject({
      code: 'SALDO_SCHEMA_INCOMPATIBLE',
      retryable: false,
      message: expect.stringMatching(/id 1 was saldo\.\S+ and is nothing.*restore it/),
    })
    expect(registry.schemas).toEqual([])

    registry.restore({ schemas: backup.schemas.toReversed(), subjects: new Map() })
    await expect(started()).rejects.toThrow(/id 1 was saldo\.\S+ and is another schema/)

    registry.restore(backup)
    expect(await started()).toEqual(first)
  })

  test('stay what they were first', async () => {
    const pool = openPool(database.url, { role: 'test', max: 1 })
    await noteRegistryIds(pool, [[1_000, 1]])
    await noteRegistryIds(pool, [
      [1_000, 2],
      [1_001, 3],
    ])
    const known = await knownRegistryIds(pool)
    await pool.end()
    expect(known.slice(-2)).toEqual([
      [1_000, 1],
      [1_001, 3],
    ])
  })
})
