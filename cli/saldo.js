#!/usr/bin/env node
// A checkout runs its TypeScript; Node strips no types below node_modules, so the npm package brings JavaScript.
import { existsSync } from 'node:fs'

const source = new URL('main.ts', import.meta.url)
await import(existsSync(source) ? source.href : '../dist/cli/main.js')
