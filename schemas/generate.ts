/**
 * Writes what follows from the `.avsc` files: `types.ts`, and `released/`, the frozen writer schemas by id.
 * `npm run generate -- --check` writes nothing and fails when a file is not current.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fullNameOf, readSchemas } from './avsc-files.ts'
import { inlined } from './inline.ts'
import { typesOf } from './generate-types.ts'

/** Every schema that stands alone as bytes somewhere, with the first id of its reserved range. */
const standalone: { readonly [fullName: string]: number } = {
  'saldo.ledger.v1.LedgerCommand': 0x7f_00_01_00,
  'saldo.ledger.v1.LedgerEvent': 0x7f_00_02_00,
  'saldo.ledger.v1.Outcome': 0x7f_00_03_00,
  'saldo.ledger.v1.DeadLetter': 0x7f_00_04_00,
  'saldo.ledger.v1.Personal': 0x7f_00_05_00,
  'saldo.ledger.v1.ParkedCommand': 0x7f_00_06_00,
  'saldo.budget.v1.BudgetExceeded': 0x7f_00_07_00,
  'saldo.state.v1.RootState': 0x7f_00_10_00,
  'saldo.state.v1.AccountState': 0x7f_00_11_00,
  'saldo.state.v1.TransactionState': 0x7f_00_12_00,
  'saldo.state.v1.CategoryState': 0x7f_00_13_00,
  'saldo.state.v1.ProfileState': 0x7f_00_14_00,
  'saldo.state.v1.BudgetState': 0x7f_00_15_00,
  'saldo.transaction.v1.CreatedTransaction': 0x7f_00_20_00,
  'saldo.transaction.v1.CategorizedTransaction': 0x7f_00_21_00,
  'saldo.expense.v1.ExpenseEvent': 0x7f_00_22_00,
}

/** Text of every generated file, by its path below this folder. */
function generated(): Map<string, string> {
  const schemas = readSchemas()
  const files = new Map([['types.ts', typesOf(schemas)]])
  const folder = join(import.meta.dirname, 'released')
  const released = existsSync(folder) ? readdirSync(folder) : []
  for (const schema of schemas) {
    const firstId = standalone[fullNameOf(schema)]
    if (firstId === undefined) continue
    const versions = released.filter((file) => file.startsWith(`${fullNameOf(schema)}.`)).sort()
    const text = (id: number): string =>
      `${JSON.stringify({ id, name: fullNameOf(schema), schema: inlined(schema, schemas) }, null, 1)}\n`
    const newest = versions.length
    const current = newest > 0 ? readFileSync(join(folder, versions[newest - 1] ?? ''), 'utf8') : ''
    // A released file is never edited: a changed schema gets the next id and a file of its own.
    if (current === text(firstId + newest - 1)) continue
    const file = `${fullNameOf(schema)}.${String(newest + 1).padStart(3, '0')}.json`
    files.set(`released/${file}`, text(firstId + newest))
  }
  return files
}

const check = process.argv.includes('--check')
let stale = 0
for (const [file, text] of generated()) {
  const path = join(import.meta.dirname, file)
  if (existsSync(path) && readFileSync(path, 'utf8') === text) continue
  stale++
  if (check) process.stderr.write(`schemas/${file} is not current: run npm run generate\n`)
  else {
    mkdirSync(join(path, '..'), { recursive: true })
    writeFileSync(path, text)
    process.stdout.write(`wrote schemas/${file}\n`)
  }
}
if (check && stale > 0) process.exitCode = 1
