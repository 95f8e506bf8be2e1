import { invalidInput } from '../problem.ts'

/** Two dates by the names of their parameters, the earlier first. */
export function refuseBackwards(range: { readonly [parameter: string]: string | undefined }): void {
  const [[first, from], [last, to]] = Object.entries(range) as [Bound, Bound]
  if (from === undefined || to === undefined || from <= to) return
  throw invalidInput(last, `"${last}" ${to} is before "${first}" ${from}`)
}

type Bound = [parameter: string, date: string | undefined]
