import { describe, expect, test } from 'vitest'
import type { Account, AccountCommand } from '../../actors/account/account.ts'
import type { Rule } from '../../actors/rules.ts'
import { MINOR_MAX, MINOR_MIN } from '../../schemas/money.ts'
import type { LedgerCommandBody } from '../../schemas/types.ts'
import {
  amended,
  deleted,
  groceries,
  opened,
  openedIn,
  reconciled,
  recorded,
} from '../support/example-commands.ts'
import { given } from '../support/specification.ts'

const renamed = { type: 'RenameAccount', accountId: 'a-1', name: 'Daily' } as const
const closed = { type: 'CloseAccount', accountId: 'a-1' } as const

type Verdict = 'accepted' | 'duplicate' | Rule

const histories: { readonly [S in Account['status']]: readonly LedgerCommandBody[] } = {
  unopened: [],
  open: [opened],
  closed: [opened, closed],
}
const commands: { readonly [C in AccountCommand['type']]: AccountCommand } = {
  OpenAccount: opened,
  RenameAccount: renamed,
  CloseAccount: closed,
  ReconcileAccount: reconciled({}),
}
/** What an account answers in each state: every cell is decided. */
const verdicts: Record<Account['status'], Record<AccountCommand['type'], Verdict>> = {
  unopened: {
    OpenAccount: 'accepted',
    RenameAccount: 'account-missing',
    CloseAccount: 'account-missing',
    ReconcileAccount: 'account-missing',
  },
  open: {
    OpenAccount: 'duplicate',
    RenameAccount: 'accepted',
    CloseAccount: 'accepted',
    ReconcileAccount: 'accepted',
  },
  closed: {
    OpenAccount: 'duplicate',
    RenameAccount: 'account-closed',
    CloseAccount: 'account-closed',
    ReconcileAccount: 'account-closed',
  },
}

describe('an account', () => {
  test.each(
    Object.entries(verdicts).flatMap(([status, row]) =>
      Object.entries(row).map(([command, verdict]) => ({ status, command, verdict })),
    ),
  )('that is $status answers $command with $verdict', ({ status, command, verdict }) => {
    const { outcome } = given(...histories[status as Account['status']]).when(
      commands[command as AccountCommand['type']],
    ).answer
    expect(outcome.code ?? outcome.verdict).toBe(verdict)
  })

  test('is opened with its texts in the sealed part and nowhere else', () => {
    const { events } = given()
      .when(opened)
      .expectEvent(
        { type: 'AccountOpened', accountId: 'a-1', kind: 'checking', currency: 'NOK' },
        { name: 'Everyday', bankName: 'A bank' },
      )
      .expectState('account', 'a-1', {
        status: 'open',
        balanceMinor: 0n,
        transactionCount: 0,
        name: 'Everyday',
        bankName: 'A bank',
        firstSequence: 1,
      }).answer
    expect(events).toHaveLength(1)
  })

  test('without texts has nothing sealed', () => {
    given()
      .when({ ...opened, name: null, bankName: null })
      .expectEvent({ type: 'AccountOpened' }, null)
  })

  test('is opened in lower case never: a currency is its ISO code', () => {
    given().when(openedIn('nok')).expectRejected('currency-unknown', 'currency')
    given().when(openedIn('XXX')).expectRejected('currency-unknown', 'currency')
  })

  test('opened again with other content is a clash, whether open or closed', () => {
    given(opened).when(openedIn('EUR')).expectRejected('id-taken', 'accountId')
    given(opened, closed)
      .when({ ...opened, name: 'Other' })
      .expectRejected('id-taken')
  })

  test('opened again after a rename is still the same opening', () => {
    given(opened, renamed).when(opened).expectDuplicate()
  })

  test('keeps old and new name of a rename', () => {
    given(opened)
      .when(renamed)
      .expectEvent(
        { type: 'AccountRenamed', accountId: 'a-1' },
        { name: 'Daily', previousName: 'Everyday' },
      )
      .expectState('account', 'a-1', { name: 'Daily', bankName: 'A bank' })
  })

  test('is not renamed to the name it has', () => {
    given(opened)
      .when({ ...renamed, name: 'Everyday' })
      .expectRejected('nothing-to-change', 'name')
  })

  test.each(['', '   ', '\t\n', '\u200b', '\u00ad\u2060'])('is not renamed to %j', (name) => {
    given(opened)
      .when({ ...renamed, name })
      .expectRejected('name-empty', 'name')
  })

  test('has a name of at most 100 characters and a bank of at most 100', () => {
    const longest = '😀'.repeat(100)
    given()
      .when({ ...opened, name: longest, bankName: longest })
      .expectEvent({ type: 'AccountOpened' })
    given()
      .when({ ...opened, name: `${longest}x` })
      .expectRejected('text-too-long', 'name')
    given()
      .when({ ...opened, bankName: `${longest}x` })
      .expectRejected('text-too-long', 'bankName')
    given(opened)
      .when({ ...renamed, name: `${longest}x` })
      .expectRejected('text-too-long', 'name')
  })

  test('takes no NUL in its texts', () => {
    given()
      .when({ ...opened, name: 'a\0' })
      .expectRejected('text-invalid', 'name')
    given(opened)
      .when({ ...renamed, name: '\0a' })
      .expectRejected('text-invalid', 'name')
  })

  test('is closed with a balance of zero, even when money went through', () => {
    given(opened, groceries).when(closed).expectRejected('balance-not-zero', 'accountId')
    given(opened, groceries, recorded({ transactionId: 't-2', amountMinor: 12_550n }))
      .when(closed)
      .expectEvent({ type: 'AccountClosed', accountId: 'a-1' }, null)
      .expectState('account', 'a-1', { status: 'closed', balanceMinor: 0n, transactionCount: 2 })
  })

  test('folds amounts, amendments and deletions into balance and count', () => {
    given(opened, groceries, recorded({ transactionId: 't-2', amountMinor: 500n }))
      .when(amended({ amountMinor: -100n }))
      .expectState('account', 'a-1', { balanceMinor: 400n, transactionCount: 2 })
    given(opened, groceries, recorded({ transactionId: 't-2', amountMinor: 500n }))
      .when(deleted)
      .expectState('account', 'a-1', { balanceMinor: 500n, transactionCount: 1 })
  })
})

describe('the balance of an account stays within 64 bits', () => {
  const step = 10n ** 15n
  const steps = Number(MINOR_MAX / step)

  function filled(sign: bigint, last: bigint): readonly LedgerCommandBody[] {
    const full = Array.from({ length: steps }, (_, n) =>
      recorded({ transactionId: `f-${n}`, amountMinor: sign * step }),
    )
    return [opened, ...full, recorded({ transactionId: 'last', amountMinor: sign * last })]
  }

  test('to the last minor unit above', () => {
    const atTheTop = given(...filled(1n, MINOR_MAX % step))
    atTheTop
      .when(recorded({ transactionId: 't-2', amountMinor: 1n }))
      .expectRejected('balance-over-limit', 'amountMinor')
    atTheTop.when(groceries).expectState('account', 'a-1', { balanceMinor: MINOR_MAX - 12_550n })
  })

  test('to the last minor unit below, for amendments and deletions too', () => {
    const history = [...filled(-1n, -MINOR_MIN % step), recorded({ amountMinor: 5n })]
    const atTheBottom = given(...history, recorded({ transactionId: 't-2', amountMinor: -5n }))
    atTheBottom.when(amended({ amountMinor: 4n })).expectRejected('balance-over-limit')
    atTheBottom.when(deleted).expectRejected('balance-over-limit')
    atTheBottom.when(amended({ amountMinor: 6n })).expectEvent({ type: 'TransactionUpdated' })
  })
})
