// ews-javascript-api (npm), a port of the EWS Managed API: finds the service by Autodiscover, then asks free/busy and
// suggestions in one call.
// Usage: ews_javascript_api_freebusy.js QUESTION. Prints what it understood as JSON. The roots for TLS are in NODE_EXTRA_CA_CERTS.
'use strict'
const fs = require('fs')
const ews = require('ews-javascript-api')

const question = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'))
console.log = console.error // the library talks of itself on standard output
const wall = (t) => t.Format('YYYY-MM-DDTHH:mm:ss')

async function main () {
  const credentials = new ews.WebCredentials(question.user, question.password)
  const discovery = new ews.AutodiscoverService(new ews.Uri(question.autodiscover_url), null, ews.ExchangeVersion.Exchange2010)
  discovery.Credentials = credentials
  const found = await discovery.GetUserSettings(question.user, [ews.UserSettingName.ExternalEwsUrl, ews.UserSettingName.UserDisplayName])
  const url = found.Settings.get(ews.UserSettingName.ExternalEwsUrl)
  if (url !== question.ews_url) throw new Error('Autodiscover says ' + url)

  const service = new ews.ExchangeService(ews.ExchangeVersion.Exchange2016, ews.TimeZoneInfo.FindSystemTimeZoneById(question.windows_zone))
  service.Credentials = credentials
  service.Url = new ews.Uri(url)
  const options = new ews.AvailabilityOptions()
  options.RequestedFreeBusyView = ews.FreeBusyViewType.DetailedMerged
  options.MergedFreeBusyInterval = question.interval
  options.MeetingDuration = 30
  const window = new ews.TimeWindow(new ews.DateTime(question.from), new ews.DateTime(question.to))
  const results = await service.GetUserAvailability(question.addresses.map((a) => new ews.AttendeeInfo(a)), window,
    ews.AvailabilityData.FreeBusyAndSuggestions, options)
  const answers = results.AttendeesAvailability.Responses.map((row, i) => {
    if (row.Result !== ews.ServiceResult.Success) return { Address: question.addresses[i], ResponseCode: ews.ServiceError[row.ErrorCode] }
    return {
      Address: question.addresses[i],
      ResponseCode: ews.ServiceError[row.ErrorCode],
      MergedFreeBusy: row.MergedFreeBusyStatus.join(''),
      Events: row.CalendarEvents.map((e) => [wall(e.StartTime), wall(e.EndTime), ews.LegacyFreeBusyStatus[e.FreeBusyStatus]])
    }
  })
  const suggestions = results.Suggestions.flatMap((day) => day.TimeSuggestions)
    .map((s) => ({ Time: wall(s.MeetingTime), Quality: ews.SuggestionQuality[s.Quality] }))
  process.stdout.write(JSON.stringify({ client: 'ews-javascript-api ' + require('ews-javascript-api/package.json').version, answers, suggestions }))
}

main().catch((e) => {
  console.error('ews-javascript-api:', e === undefined ? 'failed before it asked' : e.message || e)
  process.exit(1)
})
