/**
 * Raise it by one when an `evolve` folds events that a log may hold into other states than before: the next owner of a
 * partition then folds its events from the first one, and an older release refuses what that wrote. A state field that
 * was added with a default, and has it after every old event, needs no raise. `tests/actors/golden-folds.test.ts`
 * fails when it was forgotten.
 */
export const STATES_GENERATION = 1
