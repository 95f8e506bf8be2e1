/** The table of `docs/kafka-security.md` that says what each role needs, and its ACLs. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import kafkajs, { type AclEntry } from 'kafkajs'
import { topics, type TopicName } from '../../schemas/topics.ts'

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs
const DOCUMENT = join(import.meta.dirname, '..', '..', 'docs', 'kafka-security.md')

export type Permissions = {
  readonly who: string
  readonly read: readonly TopicName[]
  readonly write: readonly TopicName[]
  readonly remove: readonly TopicName[]
  readonly group: { readonly operation: 'READ' | 'DESCRIBE'; readonly name: string } | undefined
  /** Every id that begins so. */
  readonly transactionalIds: string | undefined
}

export const documentedPermissions: readonly Permissions[] = rows().map(
  ([who = '', read = '', write = '', remove = '', groups = '', ids = '']) => {
    const [group] = namesIn(groups)
    return {
      who: who.replaceAll('`', ''),
      read: topicsIn(read),
      write: topicsIn(write),
      remove: topicsIn(remove),
      group:
        group === undefined
          ? undefined
          : { operation: groups.startsWith('Read') ? 'READ' : 'DESCRIBE', name: group },
      transactionalIds: namesIn(ids)[0]?.replace(/\*$/, ''),
    }
  },
)

function rows(): readonly (readonly string[])[] {
  const text = readFileSync(DOCUMENT, 'utf8')
  const [, table = ''] = /\| who \|.*\n\|[- |]+\n((?:\|.*\n)+)/.exec(text) ?? []
  return table
    .trim()
    .split('\n')
    .map((line) => line.split('|').slice(1, -1))
    .map((cells) => cells.map((cell) => cell.trim()))
}

function namesIn(cell: string): readonly string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)
}

function topicsIn(cell: string): readonly TopicName[] {
  return namesIn(cell).map((name) => {
    if (name in topics) return name as TopicName
    throw new Error(`the document names a topic ${name}, which there is not`)
  })
}

/** What Kafka has to be told for one user, names behind a prefix; every user may describe every topic. */
export function aclsOf(permissions: Permissions, user: string, prefix: string): AclEntry[] {
  const entry = (
    resourceType: AclEntry['resourceType'],
    name: string,
    operation: AclEntry['operation'],
    resourcePatternType = ResourcePatternTypes.LITERAL,
  ): AclEntry => ({
    resourceType,
    resourceName: `${prefix}${name}`,
    resourcePatternType,
    principal: `User:${user}`,
    host: '*',
    operation,
    permissionType: AclPermissionTypes.ALLOW,
  })
  const { TOPIC, GROUP, TRANSACTIONAL_ID } = AclResourceTypes
  const { READ, WRITE, DELETE, DESCRIBE } = AclOperationTypes
  const { read, write, remove, group, transactionalIds } = permissions
  return [
    ...Object.keys(topics).map((name) => entry(TOPIC, name, DESCRIBE)),
    ...read.map((name) => entry(TOPIC, name, READ)),
    ...write.map((name) => entry(TOPIC, name, WRITE)),
    ...remove.map((name) => entry(TOPIC, name, DELETE)),
    ...(group === undefined ? [] : [entry(GROUP, group.name, AclOperationTypes[group.operation])]),
    ...(transactionalIds === undefined
      ? []
      : [entry(TRANSACTIONAL_ID, transactionalIds, WRITE, ResourcePatternTypes.PREFIXED)]),
  ]
}
