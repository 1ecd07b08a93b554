// ews-javascript-api (npm): rooms and their lists, names, members of a group, and automatic replies, which it also sets.
// Usage: ews_javascript_api_directory.js QUESTION. Prints what it understood as JSON, by operation and element. The roots for
// TLS are in NODE_EXTRA_CA_CERTS.
'use strict'
const fs = require('fs')
const ews = require('ews-javascript-api')

const question = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'))
console.log = console.error // the library talks of itself on standard output
const entries = (list) => ({ Name: list.map((e) => e.Name), EmailAddress: list.map((e) => e.Address) })
const typed = (list) => ({ ...entries(list), MailboxType: list.map((e) => ews.MailboxType[e.MailboxType].replace('PublicGroup', 'PublicDL')) }) // its own name for them
const escaped = (s) => s.replace(/&/g, '&amp;') // it writes replies as they are
const instant = (t) => new Date(t.TotalMilliSeconds).toISOString().replace('.000', '')

async function main () {
  const service = new ews.ExchangeService(ews.ExchangeVersion.Exchange2016, ews.TimeZoneInfo.FindSystemTimeZoneById(question.windows_zone))
  service.Credentials = new ews.WebCredentials(question.user, question.password)
  service.Url = new ews.Uri(question.ews_url)
  const lists = (await service.GetRoomLists()).GetEnumerator()
  const rooms = await service.GetRooms(lists[0])
  const names = await service.ResolveName('Room 1')
  const members = await service.ExpandGroup('duty@fabrikam.example')
  const before = await service.GetUserOofSettings(question.user)
  await setReplies(service)
  for (const reply of [before.InternalReply, before.ExternalReply]) reply.Message = escaped(reply.Message)
  await service.SetUserOofSettings(question.user, before)
  const replies = await service.GetUserOofSettings(question.user)
  const operations = {
    GetRoomLists: entries(lists),
    GetRooms: entries(rooms),
    ResolveNames: typed(names.GetEnumerator().map((n) => n.Mailbox)),
    ExpandDL: typed(members.GetEnumerator()),
    GetUserOofSettings: {
      OofState: [ews.OofState[replies.State]],
      ExternalAudience: [ews.OofExternalAudience[replies.ExternalAudience]],
      StartTime: [instant(replies.Duration.StartTime)],
      EndTime: [instant(replies.Duration.EndTime)],
      Message: [replies.InternalReply.Message, replies.ExternalReply.Message]
    }
  }
  process.stdout.write(JSON.stringify({ client: 'ews-javascript-api ' + require('ews-javascript-api/package.json').version + ', directory', operations }))
}

// setReplies sets others and reads them back.
async function setReplies (service) {
  const wanted = new ews.OofSettings()
  wanted.State = ews.OofState.Enabled
  wanted.ExternalAudience = ews.OofExternalAudience.All
  wanted.InternalReply = new ews.OofReply('Away')
  wanted.ExternalReply = new ews.OofReply(escaped('Gone & away'))
  await service.SetUserOofSettings(question.user, wanted)
  const got = await service.GetUserOofSettings(question.user)
  if (got.State !== wanted.State || got.InternalReply.Message !== 'Away' || got.ExternalReply.Message !== 'Gone & away') throw new Error('the automatic replies are ' + got.InternalReply.Message)
}

main().catch((e) => {
  console.error('ews-javascript-api:', e === undefined ? 'failed before it asked' : e.message || e)
  process.exit(1)
})
