import { required, type Profile } from './profile.ts'

/** The statement that DNB's net bank saves as text. `Rentedato`, the day interest counts from, is not a booking date. */
export const dnb: Profile = {
  name: 'dnb',
  title: 'DNB (Norway), account statement',
  encoding: 'utf-8-or-windows-1252',
  delimiter: ';',
  quote: '"',
  headerWithinRows: 1,
  date: required('Dato'),
  amounts: {
    kind: 'two',
    debit: required('Ut fra konto'),
    credit: required('Inn på konto'),
    debitSign: 'positive',
  },
  texts: { description: required('Forklaring') },
  decimal: ',',
  thousands: ['.', ' ', '\u00a0', '\u202f'],
  dateFormats: ['dd.MM.yyyy'],
  utcOffsetMinutes: 0,
}
