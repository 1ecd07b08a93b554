// node-ews (npm): reads services.wsdl, messages.xsd and types.xsd from /ews/, then asks free/busy.
// Usage: node_ews_freebusy.js QUESTION. Prints what it understood as JSON. The roots for TLS are in NODE_EXTRA_CA_CERTS.
'use strict'
const fs = require('fs')
const EWS = require('node-ews')

const question = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'))
const list = (v) => (v === undefined || v === null ? [] : [].concat(v))
const wall = (t) => (t instanceof Date ? t.toISOString().slice(0, 19) : String(t))

async function main () {
  const client = new EWS({ username: question.user, password: question.password, host: new URL(question.ews_url).origin, auth: 'basic' })
  const answer = await client.run('GetUserAvailability', {
    MailboxDataArray: { MailboxData: question.addresses.map((a) => ({ Email: { Address: a }, AttendeeType: 'Required' })) },
    FreeBusyViewOptions: {
      TimeWindow: { StartTime: question.from, EndTime: question.to },
      MergedFreeBusyIntervalInMinutes: question.interval,
      RequestedView: 'DetailedMerged'
    }
  }, {
    't:RequestServerVersion': { attributes: { Version: 'Exchange2013' } },
    't:TimeZoneContext': { 't:TimeZoneDefinition': { attributes: { Id: question.windows_zone } } }
  })
  const answers = list(answer.FreeBusyResponseArray.FreeBusyResponse).map((row, i) => ({
    Address: question.addresses[i],
    ResponseCode: row.ResponseMessage.ResponseCode,
    MergedFreeBusy: row.FreeBusyView.MergedFreeBusy || '',
    Events: list(row.FreeBusyView.CalendarEventArray && row.FreeBusyView.CalendarEventArray.CalendarEvent)
      .map((e) => [wall(e.StartTime), wall(e.EndTime), e.BusyType])
  }))
  console.log(JSON.stringify({ client: 'node-ews ' + require('node-ews/package.json').version, answers }))
}

main().catch((e) => {
  console.error('node-ews:', e.message)
  process.exit(1)
})
