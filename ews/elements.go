package ews

import (
	"strconv"
	"strings"
	"time"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/timezone"
)

const wallTime = "2006-01-02T15:04:05"

// appendResponse writes GetUserAvailabilityResponse, children in the order of the schema: pull parsers rely on it.
func appendResponse(dst []byte, r *request, a availability.Answer, server string) []byte {
	dst = append(dst, `<GetUserAvailabilityResponse xmlns="`+nsMessages+`" xmlns:t="`+nsTypes+`">`...)
	if r.query.View != availability.ViewNone {
		dst = appendFreeBusy(dst, r, a, server)
	}
	if a.Suggestions != nil {
		dst = appendSuggestions(dst, r.query.Zone, a.Suggestions)
	}
	return append(dst, "</GetUserAvailabilityResponse>"...)
}

func appendFreeBusy(dst []byte, r *request, a availability.Answer, server string) []byte {
	dst = append(dst, "<FreeBusyResponseArray>"...)
	for _, res := range a.Results {
		dst = append(dst, "<FreeBusyResponse>"...)
		if res.Err != nil {
			dst = appendError(dst, fault.As(res.Err), server)
		} else {
			dst = append(appendStatus(dst, "ResponseMessage", nil), "</ResponseMessage>"...)
			dst = appendView(dst, r, &res.View)
		}
		dst = append(dst, "</FreeBusyResponse>"...)
	}
	return append(dst, "</FreeBusyResponseArray>"...)
}

// appendError writes a failed mailbox: the view None, so that nobody takes it for free.
func appendError(dst []byte, f *fault.Error, server string) []byte {
	row := f.Kind.Row()
	dst = append(appendStatus(dst, "ResponseMessage", f), "<MessageXml>"...)
	if row.ExceptionType != "" {
		dst = append(dst, `<e:ExceptionType xmlns:e="`+nsErrors+`">`+row.ExceptionType+`</e:ExceptionType>`...)
	}
	if row.ExceptionCode != 0 {
		dst = append(dst, `<e:ExceptionCode xmlns:e="`+nsErrors+`">`...)
		dst = append(strconv.AppendInt(dst, int64(row.ExceptionCode), 10), "</e:ExceptionCode>"...)
	}
	dst = append(dst, `<e:ExceptionServerName xmlns:e="`+nsErrors+`">`...)
	dst = append(xmlsec.AppendText(dst, server), "</e:ExceptionServerName>"...)
	return append(dst, "</MessageXml></ResponseMessage><FreeBusyView><t:FreeBusyViewType>None</t:FreeBusyViewType></FreeBusyView>"...)
}

func appendView(dst []byte, r *request, v *availability.FreeBusyView) []byte {
	dst = append(dst, "<FreeBusyView><t:FreeBusyViewType>"+v.Type.String()+"</t:FreeBusyViewType>"...)
	if v.Type.HasMerged() {
		dst = append(dst, "<t:MergedFreeBusy>"+v.Merged+"</t:MergedFreeBusy>"...)
	}
	if v.Type.HasEvents() {
		dst = append(dst, "<t:CalendarEventArray>"...)
		for i := range v.Events {
			dst = appendEvent(dst, r, &v.Events[i], v.Type.HasDetails())
		}
		dst = append(dst, "</t:CalendarEventArray>"...)
		if v.WorkingHours != nil {
			dst = appendWorkingHours(dst, v.WorkingHours, v.WorkingZone)
		}
	}
	return append(dst, "</FreeBusyView>"...)
}

func appendEvent(dst []byte, r *request, e *mailbox.Occurrence, details bool) []byte {
	busy := e.BusyType
	if busy == mailbox.WorkingElsewhere && !r.elsewhere {
		busy = mailbox.Free
	}
	dst = append(dst, "<t:CalendarEvent><t:StartTime>"...)
	dst = appendWall(dst, r.query.Zone.Wall(e.Start))
	dst = append(dst, "</t:StartTime><t:EndTime>"...)
	dst = appendWall(dst, r.query.Zone.Wall(e.End))
	dst = append(dst, "</t:EndTime><t:BusyType>"+busy.String()+"</t:BusyType>"...)
	if details {
		dst = append(dst, "<t:CalendarEventDetails>"...)
		if e.Subject != "" {
			dst = append(xmlsec.AppendText(append(dst, "<t:Subject>"...), e.Subject), "</t:Subject>"...)
		}
		if e.Location != "" {
			dst = append(xmlsec.AppendText(append(dst, "<t:Location>"...), e.Location), "</t:Location>"...)
		}
		for _, b := range []struct {
			name  string
			value bool
		}{{"IsMeeting", e.IsMeeting}, {"IsRecurring", e.IsRecurring}, {"IsException", e.IsException}, {"IsReminderSet", e.IsReminderSet}, {"IsPrivate", e.IsPrivate}} {
			dst = append(dst, "<t:"+b.name+">"...)
			dst = append(strconv.AppendBool(dst, b.value), "</t:"+b.name+">"...)
		}
		dst = append(dst, "</t:CalendarEventDetails>"...)
	}
	return append(dst, "</t:CalendarEvent>"...)
}

// appendWall writes the fields of a wall-clock time, 2006-01-02T15:04:05: what time.AppendFormat takes three
// times as long for, twice for each entry.
func appendWall(dst []byte, wall time.Time) []byte {
	year, month, day := wall.Date()
	hour, minute, second := wall.Clock()
	two := func(sep byte, n int) { dst = append(dst, sep, byte('0'+n/10), byte('0'+n%10)) }
	dst = append(dst, byte('0'+year/1000%10), byte('0'+year/100%10), byte('0'+year/10%10), byte('0'+year%10))
	two('-', int(month))
	two('-', day)
	two('T', hour)
	two(':', minute)
	two(':', second)
	return dst
}

func appendInt(dst []byte, name string, n int) []byte {
	dst = append(dst, "<t:"+name+">"...)
	return append(strconv.AppendInt(dst, int64(n), 10), "</t:"+name+">"...)
}

func appendWorkingHours(dst []byte, w *mailbox.WorkingHours, z timezone.Serializable) []byte {
	dst = append(dst, "<t:WorkingHours><t:TimeZone>"...)
	dst = appendSerializable(dst, z)
	dst = append(dst, "</t:TimeZone><t:WorkingPeriodArray>"...)
	for _, p := range w.Periods {
		days := make([]string, len(p.Days))
		for i, d := range p.Days {
			days[i] = d.String()
		}
		dst = append(dst, "<t:WorkingPeriod><t:DayOfWeek>"+strings.Join(days, " ")+"</t:DayOfWeek>"...)
		dst = appendInt(dst, "StartTimeInMinutes", p.Start)
		dst = appendInt(dst, "EndTimeInMinutes", p.End)
		dst = append(dst, "</t:WorkingPeriod>"...)
	}
	return append(dst, "</t:WorkingPeriodArray></t:WorkingHours>"...)
}

// appendSerializable writes the content of a SerializableTimeZone.
func appendSerializable(dst []byte, z timezone.Serializable) []byte {
	dst = appendInt(dst, "Bias", z.Bias)
	for _, h := range []struct {
		name string
		t    timezone.SerializableTransition
	}{{"StandardTime", z.Standard}, {"DaylightTime", z.Daylight}} {
		dst = append(dst, "<t:"+h.name+">"...)
		dst = appendInt(dst, "Bias", h.t.Bias)
		clock := time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC).Add(h.t.Time)
		dst = append(clock.AppendFormat(append(dst, "<t:Time>"...), "15:04:05"), "</t:Time>"...)
		dst = appendInt(dst, "DayOrder", h.t.DayOrder)
		dst = appendInt(dst, "Month", h.t.Month)
		dst = append(dst, "<t:DayOfWeek>"+h.t.DayOfWeek.String()+"</t:DayOfWeek>"...)
		dst = append(dst, "</t:"+h.name+">"...)
	}
	return dst
}
