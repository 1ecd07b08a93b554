// ews-javascript-api (npm): reads the user's own calendar, FindAppointments, then loads each appointment by its id.
// Usage: ews_javascript_api_calendar.js QUESTION. Prints the entries of the user as it understood them, and of the others
// their addresses alone. The roots for TLS are in NODE_EXTRA_CA_CERTS.
'use strict'
const fs = require('fs')
const ews = require('ews-javascript-api')

const question = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'))
console.log = console.error // the library talks of itself on standard output
const instant = (t) => new Date(t.TotalMilliSeconds)
const wall = (t) => instant(t).toLocaleString('sv-SE', { timeZone: question.zone }).replace(' ', 'T')

async function main () {
  const service = new ews.ExchangeService(ews.ExchangeVersion.Exchange2016, ews.TimeZoneInfo.FindSystemTimeZoneById(question.windows_zone))
  service.Credentials = new ews.WebCredentials(question.user, question.password)
  service.Url = new ews.Uri(question.ews_url)
  const view = new ews.CalendarView(new ews.DateTime(question.from), new ews.DateTime(question.to))
  const found = await service.FindAppointments(ews.WellKnownFolderName.Calendar, view)
  if (found.MoreAvailable || found.TotalCount !== found.Items.length) throw new Error('there is more than was found')
  for (const a of found.Items) {
    const again = await ews.Appointment.Bind(service, a.Id)
    if (again.Subject !== a.Subject || again.Start.toString() !== a.Start.toString() || again.Body.Text) throw new Error('another item than was found: ' + again.Subject)
  }
  const rows = question.addresses.map((a) => ({ Address: a }))
  rows[0].Events = found.Items.map((a) => ({ Start: wall(a.Start), End: wall(a.End), BusyType: ews.LegacyFreeBusyStatus[a.LegacyFreeBusyStatus] }))
  process.stdout.write(JSON.stringify({ client: 'ews-javascript-api ' + require('ews-javascript-api/package.json').version + ', calendar', views: { Detailed: rows } }))
}

main().catch((e) => {
  console.error('ews-javascript-api:', e === undefined ? 'failed before it asked' : e.message || e)
  process.exit(1)
})
