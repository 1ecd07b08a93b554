package ews

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/mailbox/timezone"
)

// readSuggestions reads t:SuggestionsViewOptions ([MS-OXWAVLS] 3.1.4.1.3); numbers outside of their range are refused,
// what is left out has the reference's default.
func readSuggestions(o xmlsec.Element, zone *timezone.Zone) (*availability.SuggestionsOptions, error) {
	if err := order(o, nsTypes+" GoodThreshold", nsTypes+" MaximumResultsByDay", nsTypes+" MaximumNonWorkHourResultsByDay", nsTypes+" MeetingDurationInMinutes",
		nsTypes+" MinimumSuggestionQuality", nsTypes+" DetailedSuggestionsWindow", nsTypes+" CurrentMeetingTime", nsTypes+" GlobalObjectId"); err != nil {
		return nil, err
	}
	s := availability.DefaultSuggestions()
	minutes := int(s.Duration / time.Minute)
	for _, f := range []struct {
		name      string
		into      *int
		low, high int
	}{{"GoodThreshold", &s.GoodThreshold, 0, 50}, {"MaximumResultsByDay", &s.MaxPerDay, 0, 48}, {"MaximumNonWorkHourResultsByDay", &s.MaxNonWorkPerDay, 0, 48}, {"MeetingDurationInMinutes", &minutes, 30, 1440}} {
		e := o.Child(nsTypes, f.name)
		if e.IsZero() {
			continue
		}
		n, err := readInt(e)
		if err != nil {
			return nil, err
		}
		if n < f.low || n > f.high {
			return nil, soap.Schema(e, fmt.Sprintf("%s is %d and must be from %d to %d.", f.name, n, f.low, f.high))
		}
		*f.into = n
	}
	s.Duration = time.Duration(minutes) * time.Minute
	if e := o.Child(nsTypes, "MinimumSuggestionQuality"); !e.IsZero() {
		text, err := textOf(e)
		if err != nil {
			return nil, err
		}
		var ok bool
		if s.MinimumQuality, ok = availability.ParseQuality(text); !ok {
			return nil, soap.Schema(e, fmt.Sprintf("The SuggestionQuality '%.40s' is not known.", text))
		}
	}
	if e := o.Child(nsTypes, "CurrentMeetingTime"); !e.IsZero() {
		var err error
		if s.CurrentMeetingTime, err = readDateTime(o, "CurrentMeetingTime", zone); err != nil {
			return nil, err
		}
	}
	id, err := textOf(o.Child(nsTypes, "GlobalObjectId"))
	if err != nil {
		return nil, err
	}
	s.CurrentMeetingUID = uidOf(id)
	return &s, readSuggestionsWindow(o, zone, &s)
}

func readSuggestionsWindow(o xmlsec.Element, zone *timezone.Zone, s *availability.SuggestionsOptions) error {
	w := o.Child(nsTypes, "DetailedSuggestionsWindow")
	if w.IsZero() {
		return fault.New(fault.MissingArgument, "SuggestionsViewOptions.DetailedSuggestionsWindow is required.")
	}
	for _, f := range []struct {
		name, shown string
		into        *time.Time
	}{{"StartTime", "StartDate", &s.Window.Start}, {"EndTime", "EndDate", &s.Window.End}} {
		at, err := readDateTime(w, f.name, zone)
		if err != nil {
			return err
		}
		z := cmp.Or(zone, timezone.UTC())
		if midnight := z.Wall(at).Truncate(24 * time.Hour); !z.InstantStandard(midnight).Equal(at) { // which need not exist
			return fault.New(fault.InvalidTimeInterval, "SuggestionsViewOptions.DetailedSuggestionsWindow.%s: Date must have zero hours, minutes and seconds.", f.shown)
		}
		*f.into = at
	}
	return nil
}

// appendSuggestions writes SuggestionsResponse; the dates and times are local to the request's zone.
func appendSuggestions(dst []byte, zone *timezone.Zone, s *availability.Suggestions) []byte {
	dst = append(dst, "<SuggestionsResponse>"...)
	dst = append(appendStatus(dst, "ResponseMessage", fault.As(s.Err)), "</ResponseMessage>"...)
	if s.Err != nil {
		return append(dst, "</SuggestionsResponse>"...)
	}
	dst = append(dst, "<SuggestionDayResultArray>"...)
	for _, d := range s.Days {
		dst = append(dst, "<t:SuggestionDayResult><t:Date>"...)
		dst = appendWall(dst, d.Date)
		dst = append(dst, "</t:Date><t:DayQuality>"+d.Quality.String()+"</t:DayQuality><t:SuggestionArray>"...)
		for i := range d.Suggestions {
			dst = appendSuggestion(dst, zone, &d.Suggestions[i])
		}
		dst = append(dst, "</t:SuggestionArray></t:SuggestionDayResult>"...)
	}
	return append(dst, "</SuggestionDayResultArray></SuggestionsResponse>"...)
}

func appendSuggestion(dst []byte, zone *timezone.Zone, s *availability.Suggestion) []byte {
	dst = append(dst, "<t:Suggestion><t:MeetingTime>"...)
	dst = appendWall(dst, zone.Wall(s.Time))
	dst = append(dst, "</t:MeetingTime><t:IsWorkTime>"...)
	dst = strconv.AppendBool(dst, s.WorkTime)
	dst = append(dst, "</t:IsWorkTime><t:SuggestionQuality>"+s.Quality.String()+"</t:SuggestionQuality><t:AttendeeConflictDataArray>"...)
	for _, c := range s.Conflicts {
		dst = appendConflict(dst, c)
	}
	return append(dst, "</t:AttendeeConflictDataArray></t:Suggestion>"...)
}

// appendConflict writes a kind of AttendeeConflictData.
func appendConflict(dst []byte, c availability.Conflict) []byte {
	switch c.Kind {
	case availability.UnknownConflict:
		return append(dst, "<t:UnknownAttendeeConflictData></t:UnknownAttendeeConflictData>"...)
	case availability.TooBigGroupConflict:
		return append(dst, "<t:TooBigGroupAttendeeConflictData></t:TooBigGroupAttendeeConflictData>"...)
	case availability.GroupConflict:
		dst = append(dst, "<t:GroupAttendeeConflictData>"...)
		dst = appendInt(dst, "NumberOfMembers", c.Members.All)
		dst = appendInt(dst, "NumberOfMembersAvailable", c.Members.Available)
		dst = appendInt(dst, "NumberOfMembersWithConflict", c.Members.WithConflict)
		dst = appendInt(dst, "NumberOfMembersWithNoData", c.Members.WithNoData)
		return append(dst, "</t:GroupAttendeeConflictData>"...)
	}
	return append(dst, "<t:IndividualAttendeeConflictData><t:BusyType>"+c.BusyType.String()+"</t:BusyType></t:IndividualAttendeeConflictData>"...)
}
