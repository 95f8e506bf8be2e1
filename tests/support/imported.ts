import { createHmac } from 'node:crypto'
import { csvRows, type CsvRow } from '../../connectors/csv.ts'
import type { RowProblem } from '../../connectors/csv-records.ts'
import { importRows, type ImportItem } from '../../connectors/import-rows.ts'
import { profileNamed } from '../../connectors/profiles/profiles.ts'

export type ImportedFile = {
  readonly path: string
  readonly profile: string
  readonly currency: string
}

export type Imported = {
  readonly commands: readonly Extract<ImportItem, { readonly kind: 'command' }>[]
  /** As a person reads them: `line path: sentence`. */
  readonly problems: readonly string[]
}

export function identify(text: string): string {
  return createHmac('sha256', 'a key of a test').update(text).digest('hex')
}

export async function imported({ path, profile, currency }: ImportedFile): Promise<Imported> {
  const rows = csvRows({ path, profile: profileNamed(profile) })
  return importedRows(rows, { profile, currency })
}

export async function importedRows(
  rows: AsyncIterable<CsvRow | RowProblem>,
  { profile, currency }: Pick<ImportedFile, 'profile' | 'currency'>,
): Promise<Imported> {
  const request = {
    rows,
    profile: profileNamed(profile),
    account: { accountId: 'acc-1', currency },
    identify,
  }
  const items = await Array.fromAsync(importRows(request))
  return {
    commands: items.filter((item) => item.kind === 'command'),
    problems: items
      .filter((item) => item.kind === 'problem')
      .map(({ line, path, sentence }) => `${line} ${path}: ${sentence}`),
  }
}
