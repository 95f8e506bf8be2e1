import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { startApi, type ApiOptions, type RunningApi } from '../../../api/query/server.ts'
import { developmentToken } from '../../../api/token.ts'
import { changingTables, type ChangingTables } from '../../support/changing-tables.ts'
import { describePostgres } from '../../support/postgres.ts'
import { get, SECRET } from './client.ts'
import { readStream, type OpenStream } from './event-stream.ts'

describePostgres('the live stream', (database) => {
  let reader: ChangingTables
  let api: RunningApi
  let streams: OpenStream[] = []

  beforeAll(async () => {
    reader = await changingTables(database.url, 0)
  })
  afterAll(() => reader.close())
  afterEach(async () => {
    await Promise.all(streams.map((stream) => stream.close()))
    streams = []
    await api.close()
  })

  async function start(options: Partial<ApiOptions> = {}): Promise<void> {
    api = await startApi({ databaseUrl: database.url, jwtSecret: SECRET, port: 0, ...options })
  }
  async function open(
    user: string,
    { lastEventId, expiresIn = 60 }: { lastEventId?: string; expiresIn?: number } = {},
  ): Promise<OpenStream> {
    const token = await developmentToken({ userId: user, secret: SECRET, expiresIn })
    const stream = await readStream(`${api.url}/v1/stream`, {
      authorization: `Bearer ${token}`,
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    })
    streams.push(stream)
    return stream
  }

  test('tells a user what changed, as it changes, and nothing of others', async () => {
    await start()
    const [ana, ben] = [await open('ana'), await open('ben')]
    expect(ana.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(ana.headers.get('cache-control')).toBe('no-store')
    expect(ana.headers.get('x-content-type-options')).toBe('nosniff')
    expect(await ana.next()).toMatchObject({ event: 'ready', data: {} })
    expect(await ben.next()).toMatchObject({ event: 'ready', data: {} })
    await reader.change('ana')
    expect(await ana.next()).toMatchObject({ event: 'changed', data: { changed: ['categories'] } })
    await reader.answer('ana')
    expect(await ana.next()).toMatchObject({ event: 'changed', data: { changed: ['commands'] } })
    await reader.change('ben')
    // The first that ben hears of is his own.
    expect(await ben.next()).toMatchObject({ event: 'changed', data: { changed: ['categories'] } })
  })

  test('taken up at its last id after a restart misses nothing, and repeats nothing', async () => {
    await start()
    const before = await open('ana')
    await before.next()
    await reader.change('ana')
    const { id } = await before.next()
    await api.close()
    expect(await before.next()).toMatchObject({ event: 'end', data: { code: 'shutting-down' } })

    await start()
    const unchanged = await open('ana', { lastEventId: id })
    expect(await unchanged.next()).toMatchObject({ event: 'ready', id })
    await api.close()
    expect(await unchanged.next()).toMatchObject({ event: 'end' })

    await reader.change('ana')
    await start()
    const changed = await open('ana', { lastEventId: id })
    expect(await changed.next()).toMatchObject({ event: 'ready' })
    const told = await changed.next()
    expect(told).toMatchObject({
      event: 'changed',
      data: { changed: expect.arrayContaining(['accounts', 'categories', 'transactions']) },
    })
    expect(told.id).not.toBe(id)
  })

  test('ends when its token expires', async () => {
    await start()
    const stream = await open('ana', { expiresIn: 1 })
    expect(await stream.next()).toMatchObject({ event: 'ready' })
    expect(await stream.next()).toMatchObject({ event: 'end', data: { code: 'token-expired' } })
    expect(await stream.ended()).toBe(true)
  })

  test('shows with its heartbeat that it is there, and how far it is', async () => {
    await start({ streamPace: { heartbeatMs: 5 } })
    const stream = await open('ana')
    const { id } = await stream.next()
    expect(await stream.comment()).toBe(`: still here\nid: ${id}`)
  })

  test('is opened so often by a user, and again when one is closed', async () => {
    await start({ streams: { perUser: 1, total: 10 } })
    const first = await open('ana')
    await first.next()
    const { status, body, headers } = await get(`${api.url}/v1/stream`, { user: 'ana' })
    expect([status, body.code, headers.get('retry-after')]).toEqual([429, 'too-many-streams', '10'])
    expect((await get(`${api.url}/metrics`)).text).toContain('saldo_api_streams 1\n')
    await first.close()
    while (!(await get(`${api.url}/metrics`)).text.includes('saldo_api_streams 0\n')) continue
    expect(await (await open('ana')).next()).toMatchObject({ event: 'ready' })
  })

  test('needs a token, and takes no parameter', async () => {
    await start()
    expect((await get(`${api.url}/v1/stream`)).status).toBe(401)
    expect((await get(`${api.url}/v1/stream?user_id=ben`, { user: 'ana' })).status).toBe(400)
    const head = await get(`${api.url}/v1/stream`, { user: 'ana', method: 'HEAD' })
    expect(head.status).toBe(404)
  })

  test('of another user is open to an operator only', async () => {
    await start()
    const token = await developmentToken({
      userId: 'olga',
      secret: SECRET,
      expiresIn: 60,
      operator: true,
    })
    const stream = await readStream(`${api.url}/v1/stream`, {
      authorization: `Bearer ${token}`,
      'saldo-user': 'ana',
    })
    streams.push(stream)
    await stream.next()
    await reader.change('ana')
    expect(await stream.next()).toMatchObject({ event: 'changed' })
  })

  test('is not timed as a request is', async () => {
    await start()
    const stream = await open('ana')
    await stream.next()
    await stream.close()
    const { text } = await get(`${api.url}/metrics`)
    expect(text).not.toContain('route="/v1/stream",status="200"')
  })

  test('that pages of other origins read has their headers', async () => {
    await start({ corsOrigins: ['https://app.example'] })
    const token = await developmentToken({ userId: 'ana', secret: SECRET, expiresIn: 60 })
    const stream = await readStream(`${api.url}/v1/stream`, {
      authorization: `Bearer ${token}`,
      origin: 'https://app.example',
    })
    streams.push(stream)
    expect(stream.headers.get('access-control-allow-origin')).toBe('https://app.example')
  })
})

test('the live stream of a database that is away is answered with 503', async () => {
  const api = await startApi({
    databaseUrl: 'postgresql://nobody@127.0.0.1:1/nothing',
    jwtSecret: SECRET,
    port: 0,
  })
  try {
    const { status, body } = await get(`${api.url}/v1/stream`, { user: 'ana' })
    expect([status, body.code]).toEqual([503, 'SALDO_DATABASE_UNAVAILABLE'])
  } finally {
    await api.close()
  }
})
