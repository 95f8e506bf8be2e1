import { optional, required, type Profile } from './profile.ts'

/** A statement of M-Pesa in Tanzania. Lines about the customer stand above the header, and clocks there are three hours ahead of UTC. */
export const mpesaTz: Profile = {
  name: 'mpesa-tz',
  title: 'M-Pesa (Tanzania), statement',
  encoding: 'utf-8-or-windows-1252',
  delimiter: ',',
  quote: '"',
  headerWithinRows: 20,
  date: required('Completion Time'),
  amounts: {
    kind: 'two',
    debit: required('Withdrawn'),
    credit: required('Paid In'),
    debitSign: 'either',
  },
  texts: {
    reference: required('Receipt No.', 'Receipt No'),
    description: required('Details'),
    counterparty: optional('Other Party Info'),
  },
  decimal: '.',
  thousands: [','],
  dateFormats: [
    'yyyy-MM-dd HH:mm:ss',
    'dd-MM-yyyy HH:mm:ss',
    'dd/MM/yyyy HH:mm:ss',
    'dd/MM/yyyy HH:mm',
  ],
  utcOffsetMinutes: 180,
}
