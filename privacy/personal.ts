import { personalCodec } from '../schemas/codec.ts'
import type { OpenedEvent, OpenedPersonal } from '../schemas/opened-event.ts'
import type { LedgerEvent, Personal } from '../schemas/types.ts'
import { open, seal } from './seal.ts'
import type { SubjectKey, SubjectKeyOrShredded } from './subject-key.ts'

type Place = { readonly userId: string; readonly eventId: string }

/** One seal per event: every text of it, bound to its user and its id. */
export function sealPersonal(
  key: SubjectKey,
  personal: Personal | null,
  place: Place,
): Buffer | null {
  if (personal === null) return null
  return seal(key.sealing, personalCodec.encode(personal), `${place.userId}|${place.eventId}`)
}

/** "Not readable" where the key is shredded or gone; bytes that do not open with a present key are a fault and throw. */
export function openPersonal(
  key: SubjectKeyOrShredded | undefined,
  event: Pick<LedgerEvent, 'personal' | 'userId' | 'eventId'>,
): OpenedPersonal {
  if (event.personal === null) return null
  if (key === undefined || key === 'shredded') return 'not-readable'
  return personalCodec.decode(open(key.sealing, event.personal, `${event.userId}|${event.eventId}`))
}

export function openEvent(key: SubjectKeyOrShredded | undefined, event: LedgerEvent): OpenedEvent {
  return { ...event, personal: openPersonal(key, event) }
}
