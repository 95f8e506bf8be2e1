// Generated from the .avsc files by `npm run generate`. Do not edit.

/** An account with a balance of zero was closed; it takes no more transactions. */
export type AccountClosed = {
  readonly type: 'AccountClosed'
  /** Chosen by the producer; unique within the ledger for ever. */
  readonly accountId: string
}

/** What kind of account it is. */
export type AccountKind = 'checking' | 'savings' | 'credit' | 'cash'

/** An account was opened in one currency. Its name and bank are in `personal`. */
export type AccountOpened = {
  readonly type: 'AccountOpened'
  /** Chosen by the producer; unique within the ledger for ever. */
  readonly accountId: string
  /** What kind of account it is. */
  readonly kind: AccountKind
  /** ISO 4217 code; fixes how many decimals a minor unit stands for. */
  readonly currency: string
  /** First 16 bytes of HMAC-SHA-256, with the subject's key, over the content of the creating command: tells a repeated command from a second use of the id. */
  readonly contentHash: Buffer
}

/** The balance of an account was compared with a statement. */
export type AccountReconciled = {
  readonly type: 'AccountReconciled'
  /** Chosen by the producer; unique within the ledger for ever. */
  readonly accountId: string
  /** ISO 4217 code; fixes how many decimals a minor unit stands for. */
  readonly currency: string
  /** Date of the statement. */
  readonly statementOn: number
  /** Balance on the statement, signed minor units. */
  readonly statementMinor: bigint
  /** Sum of all transactions of the account when it was compared, signed minor units. */
  readonly balanceMinor: bigint
  /** The statement's balance less the account's, signed minor units. */
  readonly differenceMinor: bigint
  /** The transaction of exactly the difference that was created with this event; null where there was no difference or none was wished. */
  readonly adjustmentId: string | null
}

/** An open account was given another name; old and new name are in `personal`. */
export type AccountRenamed = {
  readonly type: 'AccountRenamed'
  /** Chosen by the producer; unique within the ledger for ever. */
  readonly accountId: string
}

/** Close an open account whose balance is zero. */
export type CloseAccount = {
  readonly type: 'CloseAccount'
  /** Chosen by the producer; unique within the ledger for ever. */
  readonly accountId: string
}

/** Open an account in one currency, with a balance of zero. */
export type OpenAccount = {
  readonly type: 'OpenAccount'
  /** Chosen by the producer; unique within the ledger for ever. */
  readonly accountId: string
  /** What kind of account it is. */
  readonly kind: AccountKind
  /** ISO 4217 code; fixes how many decimals a minor unit stands for. */
  readonly currency: string
  /** What the user calls it; at most 100 characters. */
  readonly name: string | null
  /** The bank that keeps it; at most 100 characters. */
  readonly bankName: string | null
}

/** Compare the balance of an open account, all its transactions of whatever date, with a statement, and adjust it where that is wished. */
export type ReconcileAccount = {
  readonly type: 'ReconcileAccount'
  /** Chosen by the producer; unique within the ledger for ever. */
  readonly accountId: string
  /** ISO 4217 code of the statement; that of the account. */
  readonly currency: string
  /** Date of the statement; 1970 to one year ahead. */
  readonly statementOn: number
  /** Balance on the statement, signed minor units. */
  readonly statementMinor: bigint
  /** Id of the transaction that makes up for a difference; null to record the difference and change nothing. */
  readonly adjustmentId: string | null
}

/** Give an open account another name. */
export type RenameAccount = {
  readonly type: 'RenameAccount'
  /** Chosen by the producer; unique within the ledger for ever. */
  readonly accountId: string
  /** The new name; 1 to 100 characters. */
  readonly name: string
}

/** Spending of a month reached a threshold of its budget: the value of every record in `budgets.exceeded`. Thresholds that are reached at once are told once, as the highest of them. */
export type BudgetExceeded = {
  /** Uuid derived from the place of its cause in the log: the same on every replay, so a consumer that meets it again has it already. */
  readonly eventId: string
  /** The ledger: the key of the record, a pseudonymous id. */
  readonly userId: string
  /** Business time of the event that reached the threshold, milliseconds since 1970 UTC. */
  readonly occurredAt: number
  /** Log time of that event. */
  readonly recordedAt: number
  /** That event: a booking or a change of one, or the setting of the budget. */
  readonly causeEventId: string
  /** The budget; its name, where it has one, is in the tables. */
  readonly budgetId: string
  /** Version of the budget that held then. */
  readonly budgetVersion: number
  /** A category of this ledger, or a built-in one such as `groceries`. */
  readonly categoryId: string
  /** ISO 4217 code of the amounts. */
  readonly currency: string
  /** The month that was spent in, by booking date, as months since January 1970. */
  readonly month: number
  /** The percentage of the amount that was reached. */
  readonly threshold: number
  /** What may be spent in the month, minor units. */
  readonly amountMinor: bigint
  /** What was spent in the month, minor units; positive. */
  readonly spentMinor: bigint
}

/** What a budget allows: an amount for one category in one currency, in one month or in every month. */
export type BudgetPlan = {
  /** A category of this ledger, or a built-in one such as `groceries`. */
  readonly categoryId: string
  /** ISO 4217 code; spending in other currencies does not count. */
  readonly currency: string
  /** The month it is for, as months since January 1970; null for every month that has no budget of its own. */
  readonly month: number | null
  /** What may be spent, minor units; zero or more. */
  readonly amountMinor: bigint
  /** Percentages of the amount that are worth a warning, ascending. */
  readonly thresholds: readonly number[]
}

/** A budget no longer holds. */
export type BudgetRemoved = {
  readonly type: 'BudgetRemoved'
  /** Chosen by the producer; for ever that of one category, currency and month. */
  readonly budgetId: string
  /** What it allowed until now. */
  readonly before: BudgetPlan
}

/** A budget was set, for the first time or anew. Old and new name are in `personal`. */
export type BudgetSet = {
  readonly type: 'BudgetSet'
  /** Chosen by the producer; for ever that of one category, currency and month. */
  readonly budgetId: string
  /** What it allowed until now; null when it was not set. */
  readonly before: BudgetPlan | null
  /** What it allows from now on; category, currency and month never change. */
  readonly after: BudgetPlan
}

/** Remove a budget. It can be set again under the same id. */
export type RemoveBudget = {
  readonly type: 'RemoveBudget'
  /** Chosen by the producer; for ever that of one category, currency and month. */
  readonly budgetId: string
}

/** Set a budget, or set an existing one anew: amount, thresholds and name become what is said here. */
export type SetBudget = {
  readonly type: 'SetBudget'
  /** Chosen by the producer; for ever that of one category, currency and month. */
  readonly budgetId: string
  /** A category of this ledger, or a built-in one such as `groceries`. */
  readonly categoryId: string
  /** ISO 4217 code; spending in other currencies does not count. */
  readonly currency: string
  /** The month it is for, as months since January 1970; null for every month that has no budget of its own. */
  readonly month: number | null
  /** What may be spent, minor units; zero or more. */
  readonly amountMinor: bigint
  /** Percentages of the amount that are worth a warning, ascending, 1 to 10 of them between 1 and 1000; null for 80, 90 and 100. */
  readonly thresholds: readonly number[] | null
  /** What the user calls it; at most 100 characters. */
  readonly name: string | null
}

/** A category of the user's own was created. Its name is in `personal`. */
export type CategoryCreated = {
  readonly type: 'CategoryCreated'
  /** A category of this ledger, or a built-in one such as `groceries`. */
  readonly categoryId: string
  /** First 16 bytes of HMAC-SHA-256, with the subject's key, over the content of the creating command: tells a repeated command from a second use of the id. */
  readonly contentHash: Buffer
}

/** A category that no transaction was in was deleted. */
export type CategoryDeleted = {
  readonly type: 'CategoryDeleted'
  /** A category of this ledger, or a built-in one such as `groceries`. */
  readonly categoryId: string
}

/** A category was given another name; old and new name are in `personal`. */
export type CategoryRenamed = {
  readonly type: 'CategoryRenamed'
  /** A category of this ledger, or a built-in one such as `groceries`. */
  readonly categoryId: string
}

/** Create a category of the user's own. */
export type CreateCategory = {
  readonly type: 'CreateCategory'
  /** Chosen by the producer; unique within the ledger for ever, and not the id of a built-in one. */
  readonly categoryId: string
  /** Unique among the user's categories without regard to case; 1 to 100 characters. */
  readonly name: string
}

/** Delete a category of the user's own that no transaction is in. */
export type DeleteCategory = {
  readonly type: 'DeleteCategory'
  /** A category of this ledger, or a built-in one such as `groceries`. */
  readonly categoryId: string
}

/** Give a category of the user's own another name. */
export type RenameCategory = {
  readonly type: 'RenameCategory'
  /** A category of this ledger, or a built-in one such as `groceries`. */
  readonly categoryId: string
  /** The new name; 1 to 100 characters. */
  readonly name: string
}

/** Record an expense: a transaction of the user's cash account in its currency, which the first expense opens. */
export type CreateExpense = {
  readonly type: 'CreateExpense'
  /** Id of the expense and of its transaction; chosen by the producer, unique within the ledger for ever. */
  readonly expenseId: string
  /** A category of this ledger, or a built-in one such as `groceries`. */
  readonly categoryId: string
  /** What was spent: minor units, more than zero and at most 1,000,000 units of the currency. */
  readonly amountMinor: bigint
  /** ISO 4217 code; chooses the cash account. */
  readonly currency: string
  /** Calendar date of the expense; 1970 to one year ahead. */
  readonly expenseOn: number
  /** Free text; at most 500 characters. */
  readonly description: string | null
}

/** Take an expense out of the ledger; its events stay. */
export type DeleteExpense = {
  readonly type: 'DeleteExpense'
  /** Id of the expense and of its transaction; chosen by the producer, unique within the ledger for ever. */
  readonly expenseId: string
}

/** An expense as its readers see it: the amount without a sign. */
export type Expense = {
  /** A category of this ledger, or a built-in one such as `groceries`. */
  readonly categoryId: string
  /** What was spent: minor units, more than zero. */
  readonly amountMinor: bigint
  /** ISO 4217 code. */
  readonly currency: string
  /** Calendar date of the expense. */
  readonly expenseOn: number
}

/** An expense was recorded. Its description is in `personal`. */
export type ExpenseCreated = {
  readonly type: 'ExpenseCreated'
  /** Id of the expense and of its transaction; chosen by the producer, unique within the ledger for ever. */
  readonly expenseId: string
  /** The expense. */
  readonly after: Expense
}

/** An expense was taken out of the ledger. */
export type ExpenseDeleted = {
  readonly type: 'ExpenseDeleted'
  /** Id of the expense and of its transaction; chosen by the producer, unique within the ledger for ever. */
  readonly expenseId: string
  /** The expense until now. */
  readonly before: Expense
}

/** An expense was corrected. Its description and the one until now are in `personal`. */
export type ExpenseUpdated = {
  readonly type: 'ExpenseUpdated'
  /** Id of the expense and of its transaction; chosen by the producer, unique within the ledger for ever. */
  readonly expenseId: string
  /** The expense until now. */
  readonly before: Expense
  /** The expense from now on. */
  readonly after: Expense
  /** Whether `personal` says something, null being no description: a change of category alone does not carry it. */
  readonly describedAnew: boolean
}

/** What happened to an expense, for readers outside: the value of every record in `expenses.events`. Follows from one event of the ledger. */
export type ExpenseEvent = {
  /** Id of the event of the ledger: the same on every replay, and what to recognise repetitions by. */
  readonly eventId: string
  /** The ledger: a pseudonymous id. */
  readonly userId: string
  /** Number of that event within its ledger: later records of a user have higher ones, with gaps. */
  readonly sequence: number
  /** Version of the expense after the event: later events have higher ones. */
  readonly version: number
  /** Log time of the command. */
  readonly recordedAt: number
  /** Its description and the one until now, sealed: the very bytes of the ledger's event, so they open with the subject's key alone, and never again once that is shredded. Additional data is user id | event id. */
  readonly personal: Buffer | null
  /** What happened. */
  readonly body: ExpenseEventBody
}

/** Correct an expense. A field that is null stays as it is. */
export type UpdateExpense = {
  readonly type: 'UpdateExpense'
  /** Id of the expense and of its transaction; chosen by the producer, unique within the ledger for ever. */
  readonly expenseId: string
  /** The right category. */
  readonly categoryId: string | null
  /** What was really spent: minor units, more than zero and at most 1,000,000 units of the currency. */
  readonly amountMinor: bigint | null
  /** The right date. */
  readonly expenseOn: number | null
  /** Free text; at most 500 characters. */
  readonly description: string | null
}

/** The kinds of aggregates in a ledger. */
export type AggregateType = 'account' | 'transaction' | 'category' | 'profile' | 'budget' | 'ledger'

/** A record that could not be processed: the value of every record in `ledger.dead-letters`. */
export type DeadLetter = {
  /** unreadable, wrong-partition, too-large, failed. */
  readonly cause: string
  /** What went wrong; no content of the record. */
  readonly detail: string
  /** Where the record was. */
  readonly topic: string
  /** Where the record was. */
  readonly partition: number
  /** Where the record was. */
  readonly offset: number
  /** Log time of the record. */
  readonly recordedAt: number
  /** SHA-256 of the whole record value. */
  readonly payloadHash: Buffer
  /** Length of the whole record value in bytes. */
  readonly payloadLength: number
  /** The first 16 KiB of the record value, sealed with the operator's key. */
  readonly payload: Buffer
}

/** Who caused a command. */
export type InitiatorKind = 'user' | 'system' | 'bank_sync' | 'import' | 'operator'

/** Who caused a command. */
export type Initiator = {
  /** What kind of party. */
  readonly kind: InitiatorKind
  /** A pseudonymous id of the party; never a name or an address. */
  readonly id: string
}

/** Where a transaction came from. */
export type TransactionSource = 'manual' | 'import' | 'bank_sync'

/** Record a transaction on an open account, in its currency. */
export type RecordTransaction = {
  readonly type: 'RecordTransaction'
  /** Chosen by the producer; unique within the ledger for ever. */
  readonly transactionId: string
  /** Chosen by the producer; unique within the ledger for ever. */
  readonly accountId: string
  /** Signed minor units of the currency; spending is negative; never zero. */
  readonly amountMinor: bigint
  /** ISO 4217 code; fixes how many decimals a minor unit stands for. */
  readonly currency: string
  /** Business time: when it happened, milliseconds since 1970 UTC. */
  readonly occurredAt: number
  /** Calendar date of booking, where the bank gives one; otherwise the date of `occurredAt` in the profile's time zone. */
  readonly bookedOn: number | null
  /** Where it came from. */
  readonly source: TransactionSource
  /** The category, where the user chose one; otherwise the categoriser chooses. */
  readonly categoryId: string | null
  /** ISO 18245 merchant category code, where the feed has one. */
  readonly mcc: string | null
  /** Free text, as the bank or the user gave it; at most 500 characters. */
  readonly description: string | null
  /** The merchant, where the producer knows it; at most 200 characters. */
  readonly merchant: string | null
  /** The other side: a name or an account number; at most 200 characters. */
  readonly counterparty: string | null
  /** The user's own remark; at most 500 characters. */
  readonly note: string | null
  /** The original record of the bank or file; at most 20,000 characters. */
  readonly rawData: string | null
}

/** Correct a recorded transaction. A field that is null stays as it is. */
export type AmendTransaction = {
  readonly type: 'AmendTransaction'
  /** Chosen by the producer; unique within the ledger for ever. */
  readonly transactionId: string
  /** The right amount, signed minor units. */
  readonly amountMinor: bigint | null
  /** The right business time. */
  readonly occurredAt: number | null
  /** The right date of booking. */
  readonly bookedOn: number | null
  /** Free text, as the bank or the user gave it; at most 500 characters. */
  readonly description: string | null
  /** The merchant, where the producer knows it; at most 200 characters. */
  readonly merchant: string | null
  /** The other side: a name or an account number; at most 200 characters. */
  readonly counterparty: string | null
  /** The user's own remark; at most 500 characters. */
  readonly note: string | null
}

/** Take a transaction out of the ledger; its events stay. */
export type DeleteTransaction = {
  readonly type: 'DeleteTransaction'
  /** Chosen by the producer; unique within the ledger for ever. */
  readonly transactionId: string
}

/** Put a transaction into a category of the user's own choice. */
export type OverrideCategory = {
  readonly type: 'OverrideCategory'
  /** Chosen by the producer; unique within the ledger for ever. */
  readonly transactionId: string
  /** A category of this ledger, or a built-in one such as `groceries`. */
  readonly categoryId: string
}

/** Set preferences. A field that is null stays as it is. */
export type SetPreferences = {
  readonly type: 'SetPreferences'
  /** ISO 4217 code that totals are shown in. */
  readonly baseCurrency: string | null
  /** IANA name, such as `Europe/Oslo`: fixes the booking date of transactions without one. */
  readonly timeZone: string | null
  /** BCP 47 tag, such as `nb-NO`. */
  readonly locale: string | null
}

/** A part as it is wished. */
export type SplitPart = {
  /** A category of this ledger, or a built-in one such as `groceries`; no two parts have the same. */
  readonly categoryId: string
  /** Signed minor units, with the sign of the whole; null for a share of what the other parts leave. */
  readonly amountMinor: bigint | null
}

/** Let a transaction count for several categories, or for one again. Parts without an amount share what the others leave equally; units that do not divide go one each to the first of them. */
export type SplitTransaction = {
  readonly type: 'SplitTransaction'
  /** Chosen by the producer; unique within the ledger for ever. */
  readonly transactionId: string
  /** 2 to 50 parts whose sum is exactly the amount of the transaction; none to undo a split. */
  readonly parts: readonly SplitPart[]
}

/** Let the ledger know that time has passed: what must happen by itself, such as the start of a month, hangs on it. Sent by the clock. */
export type AdvanceTime = {
  readonly type: 'AdvanceTime'
  /** Everything before this instant is the past, milliseconds since 1970 UTC; later than before, and not later than the log time of the command. */
  readonly until: number
}

/** The operator has sent the parked commands of a ledger again, up to one of them. Follows them in the log; sent by `saldo unpark`. */
export type UnparkLedger = {
  readonly type: 'UnparkLedger'
  /** Sequence of the `LedgerParked` that it is about; when the ledger was parked or unparked since, the command is refused. */
  readonly parkedSequence: number
  /** Offset, in `ledger.commands`, of the last parked command that was sent again. */
  readonly through: number
}

/** A parked command that is sent again: decided in place of the one that it carries, while new commands of the ledger stay parked. Sent by `saldo unpark`. */
export type ResumeCommand = {
  readonly type: 'ResumeCommand'
  /** Sequence of the `LedgerParked` that it is about; when the ledger was parked or unparked since, the command is refused. */
  readonly parkedSequence: number
  /** Offset, in `ledger.commands`, that the command had when it was parked. */
  readonly commandOffset: number
  /** Value of the command record that was parked. */
  readonly command: Buffer
}

/** Move an amount between two open accounts of one currency, as two transactions that name each other. */
export type TransferMoney = {
  readonly type: 'TransferMoney'
  /** Id of the transaction that takes the amount; chosen by the producer, unique within the ledger for ever. */
  readonly fromTransactionId: string
  /** Id of the transaction that gives the amount; chosen by the producer, unique within the ledger for ever. */
  readonly toTransactionId: string
  /** The account that the amount leaves. */
  readonly fromAccountId: string
  /** The account that the amount reaches. */
  readonly toAccountId: string
  /** Minor units of the currency, more than zero. */
  readonly amountMinor: bigint
  /** ISO 4217 code; that of both accounts. */
  readonly currency: string
  /** Business time: when it happened, milliseconds since 1970 UTC. */
  readonly occurredAt: number
  /** Calendar date of booking; otherwise the date of `occurredAt` in the profile's time zone. */
  readonly bookedOn: number | null
  /** Free text for both transactions; at most 500 characters. */
  readonly description: string | null
  /** The user's own remark for both transactions; at most 500 characters. */
  readonly note: string | null
}

/** Take both transactions of a transfer out of the ledger; their events stay. */
export type DeleteTransfer = {
  readonly type: 'DeleteTransfer'
  /** One side of the transfer. */
  readonly fromTransactionId: string
  /** The other side. */
  readonly toTransactionId: string
}

/** A wish: the value of every record in `ledger.commands`. In clear, and removed once it is behind the committed offset. */
export type LedgerCommand = {
  /** Uuid chosen by the producer; the same id again is the same command. */
  readonly commandId: string
  /** The ledger: the key of the record, a pseudonymous id. */
  readonly userId: string
  /** The producer's clock, milliseconds since 1970 UTC; informative only. */
  readonly issuedAt: number
  /** Version of the addressed aggregate that the producer has seen; another version is a `version-conflict`. */
  readonly expectedVersion: number | null
  /** Who caused it. */
  readonly initiator: Initiator
  /** W3C trace context. */
  readonly traceparent: string | null
  /** What is wished. */
  readonly body: LedgerCommandBody
}

/** Who chose the category. */
export type CategorySource = 'fallback' | 'rule' | 'income_pattern' | 'model' | 'model_low_confidence' | 'user' | 'user_correction'

/** A category that was considered, with how sure the categoriser was. */
export type CategoryCandidate = {
  /** A category of this ledger, or a built-in one such as `groceries`. */
  readonly categoryId: string
  /** 0 to 1. */
  readonly confidence: number
}

/** What sort of movement a transaction is. Adjustments and transfers are no spending, whatever their sign; an expense always is. */
export type BookingKind = 'ordinary' | 'adjustment' | 'transfer' | 'expense'

/** A transaction was accepted into an open account, in that account's currency, and categorised. Its texts are in `personal`. */
export type TransactionCreated = {
  readonly type: 'TransactionCreated'
  /** Chosen by the producer; unique within the ledger for ever. */
  readonly transactionId: string
  /** Chosen by the producer; unique within the ledger for ever. */
  readonly accountId: string
  /** Signed minor units of the currency; spending is negative; never zero. */
  readonly amountMinor: bigint
  /** ISO 4217 code; fixes how many decimals a minor unit stands for. */
  readonly currency: string
  /** Calendar date of booking, fixed when the command was decided; 1970 to one year ahead. */
  readonly bookedOn: number
  /** Where it came from. */
  readonly source: TransactionSource
  /** A category of this ledger, or a built-in one such as `groceries`. */
  readonly categoryId: string
  /** 0 to 1; 1 when the user chose. */
  readonly confidence: number
  /** Who chose the category. */
  readonly categorySource: CategorySource
  /** At most three other categories, most likely first. */
  readonly alternatives: readonly CategoryCandidate[]
  /** Version of the categoriser that chose. */
  readonly modelVersion: string
  /** ISO 18245 merchant category code, where the feed had one. */
  readonly mcc: string | null
  /** First 16 bytes of HMAC-SHA-256, with the subject's key, over the content of the creating command: tells a repeated command from a second use of the id. Empty where another command than one for this id created it. */
  readonly contentHash: Buffer
  /** What sort of movement it is; never changes. */
  readonly kind: BookingKind
  /** The other side of a transfer, which names this one. */
  readonly linkedTransactionId: string | null
}

/** A part of a split transaction. */
export type BookingPart = {
  /** A category of this ledger, or a built-in one such as `groceries`; no two parts have the same. */
  readonly categoryId: string
  /** Signed minor units, with the sign of the whole; never zero. */
  readonly amountMinor: bigint
}

/** What a transaction counts for: the part of it that totals are made of. */
export type Booking = {
  /** Signed minor units of the currency; spending is negative; never zero. */
  readonly amountMinor: bigint
  /** Calendar date of booking. */
  readonly bookedOn: number
  /** A category of this ledger, or a built-in one such as `groceries`. */
  readonly categoryId: string
  /** Where it is split: what it counts for instead of `categoryId`; their amounts sum to `amountMinor` exactly. Empty where it is not. */
  readonly parts: readonly BookingPart[]
  /** What sort of movement it is; never changes. */
  readonly kind: BookingKind
}

/** A transaction was corrected. Old and new texts are in `personal`. Another category was chosen by the user. */
export type TransactionUpdated = {
  readonly type: 'TransactionUpdated'
  /** Chosen by the producer; unique within the ledger for ever. */
  readonly transactionId: string
  /** Chosen by the producer; unique within the ledger for ever. */
  readonly accountId: string
  /** ISO 4217 code; fixes how many decimals a minor unit stands for. */
  readonly currency: string
  /** What it counted for until now. */
  readonly before: Booking
  /** What it counts for from now on. */
  readonly after: Booking
  /** The business time it had; the new one is in the envelope. */
  readonly previousOccurredAt: number
}

/** A transaction was taken out of the ledger. */
export type TransactionDeleted = {
  readonly type: 'TransactionDeleted'
  /** Chosen by the producer; unique within the ledger for ever. */
  readonly transactionId: string
  /** Chosen by the producer; unique within the ledger for ever. */
  readonly accountId: string
  /** ISO 4217 code; fixes how many decimals a minor unit stands for. */
  readonly currency: string
  /** What it counted for until now. */
  readonly before: Booking
}

/** The user chose the category of a transaction. */
export type TransactionCategoryOverridden = {
  readonly type: 'TransactionCategoryOverridden'
  /** Chosen by the producer; unique within the ledger for ever. */
  readonly transactionId: string
  /** Chosen by the producer; unique within the ledger for ever. */
  readonly accountId: string
  /** ISO 4217 code; fixes how many decimals a minor unit stands for. */
  readonly currency: string
  /** What it counted for until now. */
  readonly before: Booking
  /** A category of this ledger, or a built-in one such as `groceries`. */
  readonly categoryId: string
}

/** How a user wants figures and dates to be understood and shown. */
export type Preferences = {
  /** ISO 4217 code that totals are shown in. */
  readonly baseCurrency: string
  /** IANA name: fixes the booking date of transactions without one. */
  readonly timeZone: string
  /** BCP 47 tag. */
  readonly locale: string
}

/** The preferences were changed. */
export type PreferencesChanged = {
  readonly type: 'PreferencesChanged'
  /** Until now. */
  readonly before: Preferences
  /** From now on. */
  readonly after: Preferences
}

/** A transaction was split into parts, or its split was undone. Only the parts change. */
export type TransactionSplit = {
  readonly type: 'TransactionSplit'
  /** Chosen by the producer; unique within the ledger for ever. */
  readonly transactionId: string
  /** Chosen by the producer; unique within the ledger for ever. */
  readonly accountId: string
  /** ISO 4217 code; fixes how many decimals a minor unit stands for. */
  readonly currency: string
  /** What it counted for until now. */
  readonly before: Booking
  /** What it counts for from now on. */
  readonly after: Booking
}

/** Time has passed. Rules look at what lies in (from, until]: after a pause it may be more than one boundary. */
export type TimeAdvanced = {
  readonly type: 'TimeAdvanced'
  /** How far time was advanced before; null when it never was. */
  readonly from: number | null
  /** How far it is advanced now, milliseconds since 1970 UTC. */
  readonly until: number
}

/** The engine failed on a command of this ledger: that command changed nothing and is a dead letter, and later ones are set aside in `ledger.parked` until the ledger is unparked. */
export type LedgerParked = {
  readonly type: 'LedgerParked'
  /** Offset, in `ledger.commands`, of the command that failed, the one it had when it was first sent; parked commands up to it are dealt with. */
  readonly through: number
}

/** Some parked commands of this ledger were sent again and are answered; later ones stay parked. */
export type LedgerResumed = {
  readonly type: 'LedgerResumed'
  /** Offset, in `ledger.commands`, that the last of them had when it was parked. */
  readonly through: number
}

/** Every parked command of this ledger was sent again and is answered; from here on its commands are decided as they come. */
export type LedgerUnparked = {
  readonly type: 'LedgerUnparked'
  /** Offset, in `ledger.commands`, that the last parked command had when it was parked. */
  readonly through: number
}

/** A fact: the value of every record in `ledger.events`. */
export type LedgerEvent = {
  /** Uuid derived from user id and sequence: the same on every replay. */
  readonly eventId: string
  /** The ledger: the key of the record, a pseudonymous id. */
  readonly userId: string
  /** Number of the event within its ledger, from 1, without gaps. */
  readonly sequence: number
  /** The kind of the aggregate it belongs to. */
  readonly aggregateType: AggregateType
  /** The aggregate it belongs to. */
  readonly aggregateId: string
  /** Number of the event within its aggregate, from 1, without gaps. */
  readonly version: number
  /** Business time, milliseconds since 1970 UTC. */
  readonly occurredAt: number
  /** Log time of the command. */
  readonly recordedAt: number
  /** The command that caused it. */
  readonly commandId: string
  /** Who caused it. */
  readonly initiator: Initiator
  /** SHA-256 of the ledger's previous event as encoded, without the wire prefix; empty on the first. */
  readonly previousHash: Buffer
  /** Sealed `Personal`: nonce (12), ciphertext, tag (16) of AES-256-GCM with the subject's key; additional data is user id | event id. */
  readonly personal: Buffer | null
  /** What happened. */
  readonly body: LedgerEventBody
}

/** How a command was answered. */
export type Verdict = 'accepted' | 'rejected' | 'duplicate' | 'failed' | 'parked'

/** The answer to one command record: the value of every record in `ledger.outcomes`. */
export type Outcome = {
  /** The command that is answered. */
  readonly commandId: string
  /** The ledger: the key of the record, a pseudonymous id. */
  readonly userId: string
  /** accepted: its events are in the log; rejected: a rule says no; duplicate: already accepted, the original result is repeated; failed: a fault of ours, the ledger is parked and nothing else changed; parked: kept in order until the ledger is unparked. */
  readonly verdict: Verdict
  /** Log time of the command. */
  readonly recordedAt: number
  /** Partition of the command record. */
  readonly commandPartition: number
  /** Offset of the command record. */
  readonly commandOffset: number
  /** Kind of the aggregate that was addressed. */
  readonly aggregateType: AggregateType | null
  /** The aggregate that was addressed. */
  readonly aggregateId: string | null
  /** Version of the aggregate after the last event. */
  readonly version: number | null
  /** The events of the command, in order; of the original command when duplicate, the one that parks the ledger when failed. */
  readonly eventIds: readonly string[]
  /** Sequence of the first of these events. */
  readonly firstSequence: number | null
  /** Field of the command that the rule is about. */
  readonly path: string | null
  /** Name of the rule that said no. */
  readonly code: string | null
  /** Why, for a person; never quotes a text of the user. */
  readonly sentence: string | null
}

/** A command of a parked ledger: the value of every record in `ledger.parked`. */
export type ParkedCommand = {
  /** The command. */
  readonly commandId: string
  /** The ledger: the key of the record, a pseudonymous id. */
  readonly userId: string
  /** Offset of the command record in `ledger.commands`, in the partition of this record. */
  readonly commandOffset: number
  /** Log time of the command record. */
  readonly recordedAt: number
  /** The value of the command record, sealed with the subject's key. */
  readonly payload: Buffer
}

/** Every free text and external identifier of one event. Sealed inside the event. */
export type Personal = {
  /** Name of the account, category or budget. */
  readonly name: string | null
  /** Name until now. */
  readonly previousName: string | null
  /** The bank that keeps the account. */
  readonly bankName: string | null
  /** Free text, as the bank or the user gave it; at most 500 characters. */
  readonly description: string | null
  /** The merchant, where the producer knows it; at most 200 characters. */
  readonly merchant: string | null
  /** The other side: a name or an account number; at most 200 characters. */
  readonly counterparty: string | null
  /** The user's own remark; at most 500 characters. */
  readonly note: string | null
  /** The original record of the bank or file. */
  readonly rawData: string | null
  /** Description until now. */
  readonly previousDescription: string | null
  /** Merchant until now. */
  readonly previousMerchant: string | null
  /** Counterparty until now. */
  readonly previousCounterparty: string | null
  /** Note until now. */
  readonly previousNote: string | null
}

/** Whether an account takes transactions. */
export type AccountStatus = 'open' | 'closed'

/** Checkpoint of an account. */
export type AccountState = {
  /** Whether it takes transactions. */
  readonly status: AccountStatus
  /** What kind of account it is. */
  readonly kind: AccountKind
  /** ISO 4217 code; fixes how many decimals a minor unit stands for. */
  readonly currency: string
  /** Sum of its transactions, minor units. */
  readonly balanceMinor: bigint
  /** Number of its transactions. */
  readonly transactionCount: number
  /** What the user calls it. */
  readonly name: string | null
  /** The bank that keeps it. */
  readonly bankName: string | null
  /** First 16 bytes of HMAC-SHA-256, with the subject's key, over the content of the creating command: tells a repeated command from a second use of the id. */
  readonly contentHash: Buffer
  /** Sequence of AccountOpened. */
  readonly firstSequence: number
}

/** Whether a budget holds. */
export type BudgetStatus = 'active' | 'removed'

/** Checkpoint of a budget. */
export type BudgetState = {
  /** Whether it holds. */
  readonly status: BudgetStatus
  /** What it allows, or allowed when it was removed. */
  readonly plan: BudgetPlan
  /** What the user calls it; null without a name or when not readable. */
  readonly name: string | null
}

/** Whether a category may be used. */
export type CategoryStatus = 'active' | 'deleted'

/** Checkpoint of a category of the user's own. */
export type CategoryState = {
  /** Whether it may be used. */
  readonly status: CategoryStatus
  /** What the user calls it; null when not readable. */
  readonly name: string | null
  /** First 16 bytes of HMAC-SHA-256, with the subject's key, over the content of the creating command: tells a repeated command from a second use of the id. */
  readonly contentHash: Buffer
  /** Sequence of CategoryCreated. */
  readonly firstSequence: number
}

/** Checkpoint of the preferences and of the ledger's time. */
export type ProfileState = {
  /** As last set. */
  readonly preferences: Preferences
  /** How far time was advanced, milliseconds since 1970 UTC; null when it never was. */
  readonly advancedUntil: number | null
}

/** An accepted command that created nothing. */
export type Remembered = {
  /** The command. */
  readonly commandId: string
  /** Sequence of its first event. */
  readonly sequence: number
  /** How many events it gave. */
  readonly count: number
  /** What it addressed. */
  readonly aggregateType: AggregateType
  /** What it addressed. */
  readonly aggregateId: string
  /** Version after its last event. */
  readonly version: number
}

/** The engine failed on a command of this ledger, and later ones are set aside. */
export type Parking = {
  /** Sequence of the `LedgerParked` that says so. */
  readonly sequence: number
  /** Parked commands up to this offset in `ledger.commands` are dealt with. */
  readonly through: number
}

/** Checkpoint of the part of a ledger that belongs to no single aggregate. */
export type RootState = {
  /** SHA-256 of the last event. */
  readonly lastHash: Buffer
  /** The last accepted commands that created nothing, oldest first, at most 256. */
  readonly window: readonly Remembered[]
  /** How many transactions, and parts of split ones, are in each category of the user's own. */
  readonly usage: { readonly [key: string]: number }
  /** Null while commands are decided as they come. */
  readonly parking: Parking | null
  /** How many events belong to the ledger itself. */
  readonly ledgerVersion: number
}

/** Whether a transaction counts. */
export type TransactionStatus = 'recorded' | 'deleted'

/** Checkpoint of a transaction. */
export type TransactionState = {
  /** Whether it counts. */
  readonly status: TransactionStatus
  /** Chosen by the producer; unique within the ledger for ever. */
  readonly accountId: string
  /** ISO 4217 code; fixes how many decimals a minor unit stands for. */
  readonly currency: string
  /** What it counts for. */
  readonly booking: Booking
  /** Business time. */
  readonly occurredAt: number
  /** Free text, as the bank or the user gave it; at most 500 characters. */
  readonly description: string | null
  /** The merchant, where the producer knows it; at most 200 characters. */
  readonly merchant: string | null
  /** The other side: a name or an account number; at most 200 characters. */
  readonly counterparty: string | null
  /** The user's own remark; at most 500 characters. */
  readonly note: string | null
  /** First 16 bytes of HMAC-SHA-256, with the subject's key, over the content of the creating command: tells a repeated command from a second use of the id. */
  readonly contentHash: Buffer
  /** Sequence of TransactionCreated. */
  readonly firstSequence: number
  /** The other side of a transfer, which names this one. */
  readonly linkedTransactionId: string | null
}

/** What a transaction counts for from now on, for readers outside: the value of every record in `transactions.categorized`. One when it is created, and one for each change of its category or its parts. */
export type CategorizedTransaction = {
  /** Id of the event of the ledger that it follows from: the same on every replay, and what to recognise repetitions by. */
  readonly eventId: string
  /** The ledger: the key of the record, a pseudonymous id. */
  readonly userId: string
  /** Number of that event within its ledger: later records of a user have higher ones, with gaps. */
  readonly sequence: number
  /** Version of the transaction after the event: later records of a transaction have higher ones. */
  readonly version: number
  /** Log time of the command. */
  readonly recordedAt: number
  /** Chosen by the producer; unique within the ledger for ever. */
  readonly transactionId: string
  /** Chosen by the producer; unique within the ledger for ever. */
  readonly accountId: string
  /** Signed minor units of the currency; spending is negative; never zero. */
  readonly amountMinor: bigint
  /** ISO 4217 code; fixes how many decimals a minor unit stands for. */
  readonly currency: string
  /** Calendar date of booking. */
  readonly bookedOn: number
  /** The category until now; null when the transaction is new. */
  readonly previousCategoryId: string | null
  /** A category of this ledger, or a built-in one such as `groceries`. */
  readonly categoryId: string
  /** Where it is split: what it counts for instead of `categoryId`; their amounts sum to `amountMinor` exactly. Empty where it is not. */
  readonly parts: readonly BookingPart[]
  /** 0 to 1; 1 when the user chose the category or the parts. */
  readonly confidence: number
  /** Who chose: `user` for every change of a category or of parts. */
  readonly categorySource: CategorySource
  /** At most three other categories, most likely first; none when the user chose. */
  readonly alternatives: readonly CategoryCandidate[]
  /** Version of the categoriser that chose; null when the user did. */
  readonly modelVersion: string | null
}

/** A transaction that came into a ledger, for readers outside: the value of every record in `transactions.created`. */
export type CreatedTransaction = {
  /** Id of the event of the ledger that it follows from: the same on every replay, and what to recognise repetitions by. */
  readonly eventId: string
  /** The ledger: the key of the record, a pseudonymous id. */
  readonly userId: string
  /** Number of that event within its ledger: later records of a user have higher ones, with gaps. */
  readonly sequence: number
  /** Version of the transaction after the event: later records of a transaction have higher ones. */
  readonly version: number
  /** Log time of the command. */
  readonly recordedAt: number
  /** Business time, milliseconds since 1970 UTC. */
  readonly occurredAt: number
  /** Chosen by the producer; unique within the ledger for ever. */
  readonly transactionId: string
  /** Chosen by the producer; unique within the ledger for ever. */
  readonly accountId: string
  /** What sort of movement it is; never changes. */
  readonly kind: BookingKind
  /** Signed minor units of the currency; spending is negative; never zero. */
  readonly amountMinor: bigint
  /** ISO 4217 code; fixes how many decimals a minor unit stands for. */
  readonly currency: string
  /** Calendar date of booking. */
  readonly bookedOn: number
  /** Where it came from. */
  readonly source: TransactionSource
  /** A category of this ledger, or a built-in one such as `groceries`. */
  readonly categoryId: string
  /** ISO 18245 merchant category code, where the feed had one. */
  readonly mcc: string | null
  /** The other side of a transfer, which names this one. */
  readonly linkedTransactionId: string | null
  /** Its texts, sealed: the very bytes of the ledger's event, so they open with the subject's key alone, and never again once that is shredded. Additional data is user id | event id. */
  readonly personal: Buffer | null
}

export type ExpenseEventBody =
  | ExpenseCreated
  | ExpenseUpdated
  | ExpenseDeleted

export type LedgerCommandBody =
  | OpenAccount
  | RenameAccount
  | CloseAccount
  | RecordTransaction
  | AmendTransaction
  | DeleteTransaction
  | OverrideCategory
  | CreateCategory
  | RenameCategory
  | DeleteCategory
  | SetPreferences
  | SetBudget
  | RemoveBudget
  | SplitTransaction
  | AdvanceTime
  | ReconcileAccount
  | UnparkLedger
  | ResumeCommand
  | TransferMoney
  | DeleteTransfer
  | CreateExpense
  | UpdateExpense
  | DeleteExpense

export type LedgerEventBody =
  | AccountOpened
  | AccountRenamed
  | AccountClosed
  | TransactionCreated
  | TransactionUpdated
  | TransactionDeleted
  | TransactionCategoryOverridden
  | CategoryCreated
  | CategoryRenamed
  | CategoryDeleted
  | PreferencesChanged
  | BudgetSet
  | BudgetRemoved
  | TransactionSplit
  | TimeAdvanced
  | AccountReconciled
  | LedgerParked
  | LedgerResumed
  | LedgerUnparked
