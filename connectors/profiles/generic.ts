import { optional, required, type Profile } from './profile.ts'

/** The layout to write by hand or from another program: nothing in it can be read in two ways. */
export const generic: Profile = {
  name: 'generic',
  title: 'Any program: date, amount, description',
  encoding: 'utf-8',
  delimiter: ',',
  quote: '"',
  headerWithinRows: 1,
  date: required('Date'),
  amounts: { kind: 'one', amount: required('Amount'), sign: 'negative-is-spending' },
  texts: {
    description: required('Description'),
    currency: optional('Currency'),
    merchant: optional('Merchant'),
    counterparty: optional('Counterparty'),
    reference: optional('Reference'),
    note: optional('Note'),
  },
  decimal: '.',
  thousands: [],
  dateFormats: ['yyyy-MM-dd'],
  utcOffsetMinutes: 0,
}
