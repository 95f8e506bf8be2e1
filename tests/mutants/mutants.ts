/** Faults that somebody could make, as exact replacements in the sources, and who sees each of them. */

export type Mutant = {
  readonly name: string
  readonly edits: readonly Edit[]
  /** Where the simulation cannot see it, who does, and why. */
  readonly seenBy?: { readonly suite: string; readonly because: string }
}

/** `from` stands in the file exactly once. */
type Edit = { readonly file: string; readonly from: string; readonly to: string }

const LOOP = 'topology/run-actors.ts'
const CHECKPOINTER = 'topology/checkpointer.ts'
const STATES = 'actors/ledger-states.ts'
const LOG = 'topology/log/memory-log.ts'
const STORE = 'sink/memory-checkpoint-store.ts'
const TAKE_OVER = 'tests/topology/take-over.test.ts'
const PARKING = 'actors/root/parking.ts'

const COMMIT = '    await this.#lease.commit(records, next)\n'
const OFFSET_CHECK = ' || row.eventsOffset !== batch.fromEventsOffset'
const NEWER_ROW = 'if (isNewer) '
const MODEL = 'tests/model/protocol.test.ts'
const STORE_CONTRACT = 'tests/sink/memory-checkpoint-store.test.ts'

export const mutants: readonly Mutant[] = [
  {
    name: 'commit split in two',
    edits: [
      {
        file: LOOP,
        from: COMMIT,
        to: 'await this.#lease.commit(records, this.#committed); await this.#lease.commit([], next)\n',
      },
    ],
  },
  {
    name: 'offset before events',
    edits: [{ file: LOOP, from: COMMIT, to: `await this.#lease.commit([], next)\n${COMMIT}` }],
  },
  {
    name: 'next batch committed beside the one before',
    edits: [
      {
        file: LOOP,
        from: '        await committing\n        await this.#relieve()',
        to: '        await this.#relieve()',
      },
    ],
  },
  {
    name: 'in-doubt taken for failed',
    edits: [
      {
        file: LOOP,
        from: COMMIT,
        to: `await this.#lease.commit(records, next).catch((error) => {
          if (error.code !== 'SALDO_COMMIT_IN_DOUBT') throw error
          return this.#lease.commit(records, next)
        })\n`,
      },
    ],
  },
  {
    name: 'in-doubt taken for done',
    edits: [
      {
        file: LOOP,
        from: COMMIT,
        to: `await this.#lease.commit(records, next).catch((error) => {
          if (error.code !== 'SALDO_COMMIT_IN_DOUBT') throw error
        })\n`,
      },
    ],
  },
  {
    name: 'dead letters dropped',
    edits: [{ file: LOOP, from: ', ...deadLetters, ...aside.parked]', to: ', ...aside.parked]' }],
  },
  {
    name: 'a gap waited for at its old offset',
    edits: [
      {
        file: LOOP,
        from: '          position = slice.next\n          await committing',
        to: '          await committing',
      },
    ],
  },
  {
    name: 'eviction beside a batch that is being decided',
    edits: [
      {
        file: LOOP,
        from: '    this.#committed = next\n',
        to: 'this.#committed = next; this.#letGo()\n',
      },
    ],
  },
  {
    name: 'checkpoint cut ahead of the commit',
    edits: [
      {
        file: LOOP,
        from: COMMIT,
        to: `this.#checkpointer.add(changes, eventBytesIn(records))
          if (this.#checkpointer.isDue) await this.#cut()\n${COMMIT}`,
      },
    ],
  },
  {
    name: 'failed checkpoint followed by another',
    edits: [
      {
        file: CHECKPOINTER,
        from: '    this.check()\n    this.#lastCut = this.#now()',
        to: 'this.#lastCut = this.#now()',
      },
    ],
  },
  {
    name: 'checkpoint of live states',
    edits: [
      {
        file: CHECKPOINTER,
        from: 'toCheckpointRow(key, userId, cell.type, cell.id, held)',
        to: 'toCheckpointRow(key, userId, cell.type, cell.id, cell.held)',
      },
    ],
  },
  {
    name: 'dirty as a boolean',
    edits: [
      {
        file: CHECKPOINTER,
        from: 'for (const { cell, held } of changed) cell.savedSequence = held.sequence',
        to: 'for (const { cell } of changed) cell.savedSequence = cell.held.sequence',
      },
    ],
  },
  {
    name: 'tail not marked changed',
    edits: [
      { file: 'topology/restore.ts', from: '  tail.checkpointer.add(changes, bytes)\n', to: '' },
    ],
  },
  {
    name: 'stale checkpoint wins',
    edits: [
      {
        file: STORE,
        from: 'row?.epoch === batch.epoch && row.generation === generation',
        to: 'row !== undefined',
      },
      { file: STORE, from: OFFSET_CHECK, to: '' },
      { file: STORE, from: NEWER_ROW, to: '' },
    ],
  },
  {
    name: 'older row wins',
    edits: [{ file: STORE, from: NEWER_ROW, to: '' }],
    seenBy: {
      suite: STORE_CONTRACT,
      because: 'the epoch and the offset of the progress refuse an older save as a whole',
    },
  },
  {
    name: 'epoch not checked by the store',
    edits: [{ file: STORE, from: 'row?.epoch === batch.epoch && row.', to: 'row?.' }],
    seenBy: {
      suite: STORE_CONTRACT,
      because: 'the offset of the progress refuses whoever missed a checkpoint',
    },
  },
  {
    name: 'offset not checked by the store',
    edits: [{ file: STORE, from: OFFSET_CHECK, to: '' }],
    seenBy: { suite: STORE_CONTRACT, because: 'the epoch refuses whoever was replaced' },
  },
  {
    name: 'window forgotten',
    edits: [
      {
        file: 'topology/state-codec.ts',
        from: 'codec.encode(held.state)',
        to: "codec.encode(stateType === 'root' ? { ...held.state, window: [] } : held.state)",
      },
    ],
  },
  {
    name: 'hash chain from the wrong event',
    edits: [
      {
        file: 'topology/restore.ts',
        from: 'ledger.fold(opened, eventHash(value))',
        to: 'ledger.fold(opened, event.previousHash)',
      },
    ],
  },
  {
    name: 'prefetch overwriting',
    edits: [
      {
        file: 'actors/host/host.ts',
        from: 'if (hosted === undefined) ledgers.add(userId)',
        to: 'ledgers.add(userId)',
      },
      { file: STATES, from: '    if (cell.held.sequence > 0) return\n', to: '' },
    ],
  },
  {
    name: 'loaded state overwrites',
    edits: [{ file: STATES, from: '    if (cell.held.sequence > 0) return\n', to: '' }],
    seenBy: {
      suite: 'tests/actors/host.test.ts',
      because: 'the loop asks only for what memory lacks, and asks for one batch at a time',
    },
  },
  {
    name: 'changed state evicted',
    edits: [
      {
        file: STATES,
        from: '  return cell.held.sequence === cell.savedSequence',
        to: '  return cell !== undefined',
      },
    ],
  },
  {
    name: 'epoch not checked',
    edits: [{ file: LOG, from: 'if (current.epoch === group.epoch) return', to: 'return' }],
  },
  {
    name: 'offset read before the fence',
    edits: [
      {
        file: LOG,
        from: "      const fault = await step('acquire', place)\n",
        to: "const { committed } = storage.group(place); const fault = await step('acquire', place)\n",
      },
      {
        file: LOG,
        from: 'leaseOf(storage, options, { place, group, lost, step })',
        to: 'leaseOf(storage, options, { place, group: { ...group, committed }, lost, step })',
      },
    ],
  },
  {
    name: 'confirm not asked before a checkpoint',
    edits: [
      {
        file: LOOP,
        from: '    if (this.#checkpointer.isBehind(eventsEnd, this.#committed)) await this.#lease.confirm()\n',
        to: '',
      },
    ],
    seenBy: {
      suite: MODEL,
      because:
        'an owner of the checkpoints alone must rest just while the owner of the log commits',
    },
  },
  {
    name: 'confirm not asked after a fault',
    edits: [
      {
        file: LOOP,
        from: '    if (!(error instanceof SaldoError && error.retryable)) await lease.confirm()\n',
        to: '',
      },
    ],
  },
  {
    name: 'generation not checked',
    edits: [
      { file: STORE, from: '      refuseNewer(partition, row.generation, generation)\n', to: '' },
    ],
  },
  {
    name: 'older generation loaded as current',
    edits: [
      {
        file: STORE,
        from: 'if (row?.generation !== generation) return',
        to: 'if (row === undefined) return',
      },
    ],
  },
  {
    name: 'new generation begun at the old progress',
    edits: [{ file: STORE, from: '        row.eventsOffset = 0n\n', to: '' }],
  },
  {
    name: 'row of an older generation kept',
    edits: [
      {
        file: STORE,
        from: 'before?.generation !== generation || state.sequence > before.sequence',
        to: 'before === undefined || state.sequence > before.sequence',
      },
    ],
  },
  {
    name: 'row of a newer generation taken for none',
    edits: [
      {
        file: STORE,
        from: '        if (row !== undefined) refuseNewerRow(row.generation, generation)\n',
        to: '',
      },
    ],
    seenBy: {
      suite: TAKE_OVER,
      because: 'two releases must fence the log in one order and the checkpoints in the other',
    },
  },
  {
    name: 'event of a newer release skipped',
    edits: [
      {
        file: 'topology/restore.ts',
        from: `  const events = records.map((record) => ({
    event: decodeEvent(record, tail.partition),
    value: record.value,
  }))
`,
        to: `  const events = records.flatMap((record) => {
    try {
      return [{ event: decodeEvent(record, tail.partition), value: record.value }]
    } catch {
      return []
    }
  })
`,
      },
    ],
  },
  {
    name: 'state of a newer release taken for none',
    edits: [
      {
        file: 'topology/ledger-loader.ts',
        from: '    byUser.get(row.userId)?.states.push(fromCheckpointRow(key, row))\n',
        to: `    try {
      byUser.get(row.userId)?.states.push(fromCheckpointRow(key, row))
    } catch {
      continue
    }
`,
      },
    ],
    seenBy: {
      suite: TAKE_OVER,
      because: 'whoever is older seldom reads such a state before it meets such an event',
    },
  },
  {
    name: 'resumed behind its place',
    edits: [
      {
        file: PARKING,
        from: ' &&\n      parking.through < resumed.commandOffset',
        to: '',
      },
    ],
  },
  {
    name: 'new command decided before the parked ones',
    edits: [
      {
        file: PARKING,
        from: 'return { ...parking, through: body.through }',
        to: 'return null',
      },
    ],
  },
  {
    name: 'unparked before the last',
    edits: [
      {
        file: PARKING,
        from: 'if (lastParked === undefined || lastParked <= through) {',
        to: 'if (through >= parking.through) {',
      },
    ],
  },
  {
    name: 'parked in this batch not counted',
    edits: [
      {
        file: 'actors/host/host.ts',
        from: 'Math.max(lastParked, prepared.lastParked ?? lastParked)',
        to: 'prepared.lastParked ?? -1',
      },
    ],
  },
  {
    name: 'parked in the log not counted',
    edits: [
      {
        file: LOOP,
        from: '      commands = await withLastParked(log, this.#partition, commands)\n',
        to: '',
      },
    ],
  },
  {
    name: 'parked ones counted beside a commit',
    edits: [
      {
        file: LOOP,
        from: '      await committing\n      commands =',
        to: '      commands =',
      },
    ],
    seenBy: {
      suite: 'tests/topology/parking.test.ts',
      because: 'the ledger must leave memory just while what was set aside of it is committed',
    },
  },
  {
    name: 'parked again from the beginning',
    edits: [
      {
        file: 'actors/park.ts',
        from: 'prepared.resumed?.commandOffset ?? parking?.through ??',
        to: 'parking?.through ??',
      },
    ],
  },
  {
    name: 'parking not stored',
    edits: [
      {
        file: 'topology/state-codec.ts',
        from: 'codec.encode(held.state)',
        to: "codec.encode(stateType === 'root' ? { ...held.state, parking: null } : held.state)",
      },
    ],
  },
]
