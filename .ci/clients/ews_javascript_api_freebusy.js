// ews-javascript-api (npm), a port of the EWS Managed API: finds the service by Autodiscover, then asks free/busy and
// suggestions in one call. It has no conflicts of addresses that are nobody's: empty elements are passed over.
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
  options.MergedFreeBusyInterval = question.interval
  options.MeetingDuration = question.meeting
  const window = new ews.TimeWindow(new ews.DateTime(question.from), new ews.DateTime(question.to))
  const views = {}
  let suggestions
  for (const view of question.views) {
    options.RequestedFreeBusyView = ews.FreeBusyViewType[view]
    const results = await service.GetUserAvailability(question.addresses.map((a) => new ews.AttendeeInfo(a)), window,
      ews.AvailabilityData.FreeBusyAndSuggestions, options)
    views[view] = results.AttendeesAvailability.Responses.map((row, i) => ({ Address: question.addresses[i], ...understood(row) }))
    suggestions = results.Suggestions.map((day) => ({
      Date: wall(day.Date),
      Quality: ews.SuggestionQuality[day.Quality],
      Suggestions: day.TimeSuggestions.map((s) => ({
        Time: wall(s.MeetingTime),
        WorkTime: s.IsWorkTime,
        Quality: ews.SuggestionQuality[s.Quality],
        Resolved: s.Conflicts.filter((c) => !isGroup(c)).map((c) => ews.LegacyFreeBusyStatus[c.FreeBusyStatus]),
        Groups: s.Conflicts.filter(isGroup).map((c) => [c.NumberOfMembers, c.NumberOfMembersAvailable, c.NumberOfMembersWithConflict, c.NumberOfMembersWithNoData])
      }))
    }))
  }
  process.stdout.write(JSON.stringify({ client: 'ews-javascript-api ' + require('ews-javascript-api/package.json').version, views, suggestions }))
}

// understood is a row of an answer; a row with an error has its code only.
function understood (row) {
  if (row.Result !== ews.ServiceResult.Success) return { ResponseCode: ews.ServiceError[row.ErrorCode] }
  return {
    ResponseCode: ews.ServiceError[row.ErrorCode],
    View: ews.FreeBusyViewType[row.ViewType],
    MergedFreeBusy: row.MergedFreeBusyStatus.join(''),
    Events: row.CalendarEvents.map((e) => ({
      Start: wall(e.StartTime), End: wall(e.EndTime), BusyType: ews.LegacyFreeBusyStatus[e.FreeBusyStatus], Details: e.Details ? details(e.Details) : null
    })),
    WorkingHours: row.WorkingHours ? hours(row.WorkingHours) : null
  }
}

const isGroup = (c) => c.ConflictType === ews.ConflictType.GroupConflict

const details = (d) => ({
  Subject: d.Subject || '', Location: d.Location || '', IsMeeting: d.IsMeeting, IsRecurring: d.IsRecurring, IsException: d.IsException, IsReminderSet: d.IsReminderSet, IsPrivate: d.IsPrivate
})

// hours are the working days and times; the library makes a zone of its own of their zone.
const hours = (h) => ({
  Periods: [[h.DaysOfTheWeek.map((d) => ews.DayOfTheWeek[d]), h.StartTime.TotalMinutes, h.EndTime.TotalMinutes]]
})

main().catch((e) => {
  console.error('ews-javascript-api:', e === undefined ? 'failed before it asked' : e.message || e)
  process.exit(1)
})
