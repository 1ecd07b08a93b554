// soap (npm): a client generated from the WSDL that the service itself serves; free/busy and suggestions in one call.
// Usage: soap_freebusy.js QUESTION. Prints what it understood as JSON. The roots for TLS are in NODE_EXTRA_CA_CERTS.
'use strict'
const fs = require('fs')
const soap = require('soap')
const rows = require('./rows.js')

const question = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'))
const types = 'http://schemas.microsoft.com/exchange/services/2006/types'
const login = new soap.BasicAuthSecurity(question.user, question.password)
const authorization = {}
login.addHeaders(authorization)

async function main () {
  const client = await soap.createClientAsync(new URL('Services.wsdl', question.ews_url).href, { wsdl_headers: authorization, preserveWhitespace: false })
  client.setSecurity(login)
  client.addSoapHeader({ RequestServerVersion: { attributes: { Version: 'Exchange2016' } } }, '', 't', types)
  client.addSoapHeader({ TimeZoneContext: { TimeZoneDefinition: { attributes: { Id: question.windows_zone } } } }, '', 't', types)
  const window = { StartTime: question.from, EndTime: question.to }
  const views = {}
  let suggestions
  for (const view of question.views) {
    const [answer] = await client.GetUserAvailabilityAsync({
      MailboxDataArray: { MailboxData: question.addresses.map((a) => ({ Email: { Address: a }, AttendeeType: 'Required' })) },
      FreeBusyViewOptions: { TimeWindow: window, MergedFreeBusyIntervalInMinutes: question.interval, RequestedView: view },
      SuggestionsViewOptions: { MeetingDurationInMinutes: question.meeting, DetailedSuggestionsWindow: window }
    })
    views[view] = rows.rows(question.addresses, answer)
    suggestions = rows.suggestions(answer)
  }
  console.log(JSON.stringify({ client: 'soap ' + require('soap/package.json').version, views, suggestions }))
}

main().catch((e) => {
  console.error('soap:', e.message)
  process.exit(1)
})
