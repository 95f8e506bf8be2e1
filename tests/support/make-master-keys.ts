/** A process that makes or reads the master key of every path it is given, once it is told to go, and tells them. */
import { masterKeyFromFile } from '../../privacy/master-key.ts'

process.once('message', () => {
  const keys = process.argv.slice(2).map((path) => {
    try {
      return masterKeyFromFile(path).toString('hex')
    } catch (error) {
      return String(error)
    }
  })
  process.send?.(keys, () => process.disconnect())
})
process.send?.('ready')
