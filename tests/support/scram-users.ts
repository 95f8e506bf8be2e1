import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { KafkaReader, KafkaWriter } from '../../topology/log/kafka-bytes.ts'
import type { WirePool } from '../../topology/log/kafka-cluster.ts'
import { wireCall } from '../../topology/log/kafka-fetch.ts'

const ITERATIONS = 4096
const MECHANISMS = [
  { number: 1, digest: 'sha256', bytes: 32 },
  { number: 2, digest: 'sha512', bytes: 64 },
]
const NO_TAGS = Buffer.of(0)

/** Makes a user of both SCRAM mechanisms, asking a controller. One request takes only one of them. */
export async function addScramUser(pool: WirePool, user: string, password: string): Promise<void> {
  for (const { number, digest, bytes } of MECHANISMS) {
    const salt = randomBytes(16)
    const salted = pbkdf2Sync(password, salt, ITERATIONS, bytes, digest)
    // The header that kafkajs writes is one version older, which lacks only the tags.
    const body = new KafkaWriter().raw(NO_TAGS).compactLength(0).compactLength(1)
    body.compactString(user).int8(number).int32(ITERATIONS)
    for (const secret of [salt, salted]) body.compactLength(secret.length).raw(secret)
    const kind = { apiKey: 51, apiVersion: 0, apiName: 'AlterUserScramCredentials' }
    const call = wireCall(kind, body.raw(NO_TAGS).raw(NO_TAGS).bytes, decodeProblems)
    const problems = await pool.send(call)
    if (problems.join('') !== '') throw new Error(`no user was made: ${problems.join()}`)
  }
}

function decodeProblems(bytes: Buffer): readonly string[] {
  const reader = new KafkaReader(bytes)
  reader.tags()
  reader.int32()
  return Array.from({ length: reader.compactLength() }, () => {
    reader.compactString()
    const code = reader.int16()
    const message = reader.compactString()
    reader.tags()
    return code === 0 ? '' : `${code} ${message}`
  })
}
