import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { KAFKA, kafkaCommit, kafkaTakeOver, loopPoints, takeOverPoints } from './points.ts'

test.for([...loopPoints, ...takeOverPoints, ...kafkaCommit, ...kafkaTakeOver])(
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

/** COPY is put together by one function; requests to a broker are methods, or have a name. */
function textInCode(text: string): string {
  if (text.startsWith(`${KAFKA} `)) return text.slice(KAFKA.length + 2)
  return text.replace(/^COPY (\w+)$/, "'$1'")
}
