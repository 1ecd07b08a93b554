// What soap and node-ews understood, in the form that compare.py takes. Both give the XML of an answer as objects: one
// element, or a list of them where there are several; a time without an offset is a Date in the process's zone.
'use strict'
const list = (v) => (v === undefined || v === null ? [] : [].concat(v))
const wall = (t) => (t instanceof Date ? t.toISOString().slice(0, 19) : String(t))
const truth = (v) => v === true || v === 'true'
const half = (t) => [Number(t.Bias), t.Time, Number(t.DayOrder), Number(t.Month), t.DayOfWeek]

function hours (h) {
  return {
    Bias: Number(h.TimeZone.Bias),
    Standard: half(h.TimeZone.StandardTime),
    Daylight: half(h.TimeZone.DaylightTime),
    Periods: list(h.WorkingPeriodArray.WorkingPeriod).map((p) => [p.DayOfWeek.split(' '), Number(p.StartTimeInMinutes), Number(p.EndTimeInMinutes)])
  }
}

function details (d) {
  const flags = ['IsMeeting', 'IsRecurring', 'IsException', 'IsReminderSet', 'IsPrivate'].map((k) => [k, truth(d[k])])
  return { Subject: d.Subject || '', Location: d.Location || '', ...Object.fromEntries(flags) }
}

// rows makes the rows of one view from a GetUserAvailabilityResponse.
exports.rows = (addresses, answer) => list(answer.FreeBusyResponseArray.FreeBusyResponse).map((row, i) => ({
  Address: addresses[i],
  ResponseCode: row.ResponseMessage.ResponseCode,
  View: row.FreeBusyView.FreeBusyViewType,
  MergedFreeBusy: row.FreeBusyView.MergedFreeBusy || '',
  Events: list(row.FreeBusyView.CalendarEventArray && row.FreeBusyView.CalendarEventArray.CalendarEvent).map((e) => ({
    Start: wall(e.StartTime), End: wall(e.EndTime), BusyType: e.BusyType, Details: e.CalendarEventDetails ? details(e.CalendarEventDetails) : null
  })),
  WorkingHours: row.FreeBusyView.WorkingHours ? hours(row.FreeBusyView.WorkingHours) : null
}))

const members = (g) => ['', 'Available', 'WithConflict', 'WithNoData'].map((n) => Number(g['NumberOfMembers' + n]))

// suggestions makes the days of the second half. Of the conflicts, whose elements have four names, objects keep the order
// of each name only.
exports.suggestions = (answer) => list(answer.SuggestionsResponse.SuggestionDayResultArray.SuggestionDayResult).map((day) => ({
  Date: wall(day.Date),
  Quality: day.DayQuality,
  Suggestions: list(day.SuggestionArray && day.SuggestionArray.Suggestion)
    .map((s) => ({
      Time: wall(s.MeetingTime),
      WorkTime: truth(s.IsWorkTime),
      Quality: s.SuggestionQuality,
      Resolved: list(s.AttendeeConflictDataArray.IndividualAttendeeConflictData).map((c) => c.BusyType),
      Groups: list(s.AttendeeConflictDataArray.GroupAttendeeConflictData).map(members)
    }))
}))
