/** What deploy/ says of brokers and settings is what the tests use and what the code reads; Docker is not needed. */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { roleNames } from '../../cli/role-needs.ts'
import { readConfig } from '../../config/config.ts'
import { settings } from '../../config/settings.ts'
import { serverProperties } from '../support/kafka-settings.ts'

const root = join(import.meta.dirname, '..', '..')
const folder = join(root, 'deploy')
const text = (path: string): string => readFileSync(join(folder, path), 'utf8')

type Service = {
  readonly image?: string
  readonly command?: readonly string[]
  readonly environment?: { readonly [name: string]: string }
  readonly ports?: readonly string[]
  readonly secrets?: readonly string[]
  readonly healthcheck?: { readonly test?: readonly unknown[]; readonly disable?: boolean }
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly volumes?: readonly string[]
}
const { services, secrets } = parse(text('compose.yaml'), { merge: true }) as {
  readonly services: { readonly [name: string]: Service }
  readonly secrets: { readonly [name: string]: { readonly file: string } }
}
const all = Object.entries(services)
const ours = all.filter(([, { image }]) => image === 'saldo:local')

test('every setting that a container of Saldo is given exists, and together they are a configuration', () => {
  const names = new Set(Object.values(settings).map(({ name }) => name as string))
  for (const [, { environment = {} }] of ours) {
    expect(Object.keys(environment).filter((name) => !names.has(name))).toEqual([])
    const needs = { log: true, masterKey: false, tokens: false }
    expect(readConfig(environment, needs).environment).toBe('production')
  }
  const given = [...text('entrypoint.sh').matchAll(/export (\w+)/g)].map(([, name = '']) => name)
  expect(given.length).toBeGreaterThan(0)
  expect(given.filter((name) => !names.has(name))).toEqual([])
})

test('every role runs in a service of its own', () => {
  const roles = ours.flatMap(([, { command = [] }]) =>
    command[0] === 'run' ? command.slice(1) : [],
  )
  expect(roles.toSorted()).toEqual([...roleNames].toSorted())
})

test('the broker is told what the brokers of the tests are told', () => {
  const node = { id: 1, client: 1, controller: 2, others: {} }
  const tested = new Map(
    serverProperties('', node, [node], {})
      .split('\n')
      .map((line) => line.split('=') as [string, string]),
  )
  const given = new Map(
    Object.entries(services['kafka']?.environment ?? {}).map(([name, value]) => [
      name
        .replace(/^KAFKA_/, '')
        .toLowerCase()
        .replaceAll('_', '.'),
      value,
    ]),
  )
  // Where it is, which is another place.
  const places = /listeners$|listener\.security|voters$|log\.dirs/
  const safety = [...tested.keys()].filter((name) =>
    /auto\.create|replication\.factor|min\.isr|insync|process\.roles/.test(name),
  )
  for (const name of safety) expect([name, given.get(name)]).toEqual([name, tested.get(name)])
  for (const [name, value] of given) {
    if (!places.test(name)) expect([name, value]).toEqual([name, tested.get(name)])
  }
})

test('nothing is reachable from other machines', () => {
  const ports = all.flatMap(([, service]) => service.ports ?? [])
  expect(ports.length).toBeGreaterThan(0)
  expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([])
})

test('every service says when it is ready, and has one version', () => {
  expect(all.filter(([, { healthcheck }]) => healthcheck === undefined)).toEqual([])
  for (const [, { healthcheck }] of all) {
    const { test: command = [], disable = false } = healthcheck ?? {}
    expect(disable || command.length > 1).toBe(true)
    // A colon in a command that has no quotes makes it something else.
    expect(command.filter((part) => typeof part !== 'string')).toEqual([])
  }
  expect(
    all.filter(([, { image = '' }]) => !/:[\w.-]+$/.test(image) || image.endsWith(':latest')),
  ).toEqual([])
})

test('Saldo runs without rights, on a file system that it cannot write', () => {
  for (const [, service] of ours) {
    expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'], tmpfs: ['/tmp'] })
  }
  expect(text('Dockerfile')).toMatch(/^USER \d+:\d+$/m)
})

test('a service is given the secrets of its role alone, from files that are made and never checked in', () => {
  expect(services['api']?.secrets).not.toContain('master-key')
  expect(services['api']?.secrets).not.toContain('database-password')
  expect(services['streams']?.secrets).not.toContain('master-key')
  const made = /for name in (.+); do/.exec(text('make-secrets.sh'))?.[1]?.split(' ') ?? []
  expect(Object.keys(secrets).toSorted()).toEqual(made.toSorted())
  expect(readFileSync(join(root, '.gitignore'), 'utf8')).toContain('deploy/secrets/')
  expect(readFileSync(join(root, '.dockerignore'), 'utf8')).toContain('deploy/secrets')
  const passwords = all.flatMap(([, { environment = {} }]) =>
    Object.entries(environment).filter(
      ([name, value]) =>
        /PASSWORD|SECRET/.test(name) && value !== '' && !value.startsWith('/run/secrets/'),
    ),
  )
  expect(passwords).toEqual([])
})

test('every file that a service is given is there', () => {
  const paths = all
    .flatMap(([, { volumes = [] }]) => volumes)
    .filter((volume) => volume.startsWith('./'))
    .map((volume) => volume.split(':')[0] ?? '')
  expect(paths.length).toBeGreaterThan(0)
  for (const path of paths) expect(statSync(join(folder, path))).toBeDefined()
})
