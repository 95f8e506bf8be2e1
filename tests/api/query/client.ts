import { developmentToken } from '../../../api/token.ts'

export const SECRET = 'a secret of the tests, long enough for HS256'

/** What the tests look into; each document has the fields of its own route only. */
type Body = {
  readonly code: string
  readonly detail: string
  readonly account: object
  readonly accounts: readonly object[]
  readonly command: object
  readonly transactions: readonly { readonly transactionId: string }[]
  readonly transaction: object
  readonly history: readonly object[]
  readonly events: readonly { readonly version: number; readonly body: object }[]
  readonly nextVersion: number | null
  readonly totals: readonly object[]
  readonly budgets: readonly object[]
  readonly categories: readonly { readonly builtIn: boolean }[]
  readonly groups: readonly {
    readonly key: string | null
    readonly amount: string
    readonly currency: string
    readonly transactionCount: number
  }[]
  readonly truncated: boolean
  readonly asOf: string | null
  readonly offset: string | null
  readonly nextCursor: string | null
  readonly spending: readonly { readonly month: string; readonly amount: string }[]
  readonly checks: readonly { readonly reason: string }[]
}

export type Answer = {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The text as JSON, empty where it is none. */
  readonly body: Body
}

export async function get(
  url: string,
  options: {
    readonly user?: string
    readonly token?: string
    readonly method?: string
    readonly body?: string
    readonly headers?: Readonly<Record<string, string>>
  } = {},
): Promise<Answer> {
  const token =
    options.user === undefined
      ? options.token
      : await developmentToken({ userId: options.user, secret: SECRET, expiresIn: 60 })
  const response = await fetch(url, {
    method: options.method ?? 'GET',
    ...(options.body === undefined ? {} : { body: options.body }),
    headers: {
      ...options.headers,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json') === true
  const body = JSON.parse(isJson && text !== '' ? text : '{}') as Body
  return { status: response.status, headers: response.headers, text, body }
}
