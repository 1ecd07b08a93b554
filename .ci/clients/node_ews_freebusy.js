// node-ews (npm): reads services.wsdl, messages.xsd and types.xsd from /ews/, then asks free/busy.
// Usage: node_ews_freebusy.js QUESTION. Prints what it understood as JSON. The roots for TLS are in NODE_EXTRA_CA_CERTS.
'use strict'
const fs = require('fs')
const EWS = require('node-ews')
const { rows } = require('./rows.js')

const question = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'))

async function main () {
  const client = new EWS({ username: question.user, password: question.password, host: new URL(question.ews_url).origin, auth: 'basic' })
  const views = {}
  for (const view of question.views) {
    const answer = await client.run('GetUserAvailability', {
      MailboxDataArray: { MailboxData: question.addresses.map((a) => ({ Email: { Address: a }, AttendeeType: 'Required' })) },
      FreeBusyViewOptions: {
        TimeWindow: { StartTime: question.from, EndTime: question.to },
        MergedFreeBusyIntervalInMinutes: question.interval,
        RequestedView: view
      }
    }, {
      't:RequestServerVersion': { attributes: { Version: 'Exchange2013' } },
      't:TimeZoneContext': { 't:TimeZoneDefinition': { attributes: { Id: question.windows_zone } } }
    })
    views[view] = rows(question.addresses, answer)
  }
  console.log(JSON.stringify({ client: 'node-ews ' + require('node-ews/package.json').version, views }))
}

main().catch((e) => {
  console.error('node-ews:', e.message)
  process.exit(1)
})
