import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { loopPoints, takeOverPoints } from './points.ts'

test.for([...loopPoints, ...takeOverPoints])(
  'the engine still sends the statement of "$name"',
  ({ text }) => {
    const listed = execFileSync('git', ['ls-files', 'topology', 'sink', 'privacy', 'cli'])
    const files = listed.toString().trim().split('\n')
    const senders = files.filter((file) => {
      return file.endsWith('.ts') && readFileSync(file, 'utf8').includes(textInCode(text))
    })
    expect(senders).not.toEqual([])
  },
)

/** COPY is put together by one function. */
function textInCode(text: string): string {
  return text.replace(/^COPY (\w+)$/, "'$1'")
}
