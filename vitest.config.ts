import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    // Vitest leaves one processor idle; on a machine with two that is half of it.
    maxWorkers: availableParallelism(),
    // Modules are loaded once for many files: half of the processor time of a short test was that.
    isolate: false,
    globalSetup: ['tests/support/global-setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
})
