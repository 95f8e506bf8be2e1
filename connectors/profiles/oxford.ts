import { required, type Profile } from './profile.ts'

/** Card spending as Oxford City Council publishes it; a refund is negative there. */
export const oxford: Profile = {
  name: 'oxford',
  title: 'Oxford City Council, procurement card spending',
  encoding: 'utf-8',
  delimiter: ',',
  quote: '"',
  headerWithinRows: 1,
  date: required('Date'),
  amounts: { kind: 'one', amount: required('Value'), sign: 'positive-is-spending' },
  texts: {
    reference: required('Reference'),
    merchant: required('Merchant'),
    description: required('Transaction description'),
  },
  decimal: '.',
  thousands: [','],
  dateFormats: ['dd/MM/yyyy'],
  utcOffsetMinutes: 0,
}
