/**
 * Readers before writers: the release that adds a field or a member of a union reads it, and names here the id that it
 * still writes. The next release removes the line: by then every process that runs beside it can read what is new.
 */
export const written: { readonly [fullName: string]: number } = {}
