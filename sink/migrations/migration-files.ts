import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SaldoError } from '../../schemas/errors.ts'

export type Migration = {
  readonly version: number
  readonly name: string
  /** Of the way up: what the database is made of. The way down may be mended later. */
  readonly checksum: string
  readonly up: MigrationFile
  readonly down: MigrationFile
}

export type MigrationFile = { readonly file: string; readonly sql: string }

const migrationFile = /^(\d{3})-([a-z0-9]+(?:-[a-z0-9]+)*)\.(up|down)\.sql$/

/** All migrations of a folder, numbered from 1 without a gap, each with a way up and a way down. */
export async function readMigrations(folder: string): Promise<readonly Migration[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).toSorted()
  const misnamed = files.find((file) => !migrationFile.test(file))
  if (misnamed !== undefined) {
    throw mismatch(`"${misnamed}" is not named like 001-name.up.sql or 001-name.down.sql`)
  }
  const ups = files.filter((file) => file.endsWith('.up.sql'))
  const downs = new Set(files.filter((file) => file.endsWith('.down.sql')))
  const migrations: Migration[] = []
  for (const [index, up] of ups.entries()) {
    const down = up.replace('.up.sql', '.down.sql')
    if (!downs.delete(down)) throw mismatch(`migration "${up}" has no "${down}"`)
    const expected = String(index + 1).padStart(3, '0')
    if (!up.startsWith(`${expected}-`)) {
      throw mismatch(`migration "${up}" stands where number ${expected} belongs`)
    }
    migrations.push(await readMigration(folder, index + 1, up, down))
  }
  for (const down of downs) throw mismatch(`migration "${down}" has no way up`)
  return migrations
}

/** The version of a database that this release works with. */
export async function newestVersion(folder: string = import.meta.dirname): Promise<number> {
  return (await readMigrations(folder)).length
}

async function readMigration(
  folder: string,
  version: number,
  upFile: string,
  downFile: string,
): Promise<Migration> {
  const up = { file: upFile, sql: await readSql(folder, upFile) }
  const down = { file: downFile, sql: await readSql(folder, downFile) }
  const name = upFile.slice('001-'.length, -'.up.sql'.length)
  return { version, name, checksum: createHash('sha256').update(up.sql).digest('hex'), up, down }
}

/** With one kind of line end: a checkout on Windows must have the checksum of one on Linux. */
async function readSql(folder: string, file: string): Promise<string> {
  return (await readFile(join(folder, file), 'utf8')).replaceAll('\r\n', '\n')
}

function mismatch(message: string): SaldoError {
  return new SaldoError('SALDO_MIGRATION_MISMATCH', message)
}
