package ews

import (
	"time"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/timezone"
)

func appendSuggestionsOptions(dst []byte, o *availability.SuggestionsOptions, zone *timezone.Zone) []byte {
	dst = append(dst, "<t:SuggestionsViewOptions>"...)
	dst = appendInt(dst, "GoodThreshold", o.GoodThreshold)
	dst = appendInt(dst, "MaximumResultsByDay", o.MaxPerDay)
	dst = appendInt(dst, "MaximumNonWorkHourResultsByDay", o.MaxNonWorkPerDay)
	if o.Duration != 0 {
		dst = appendInt(dst, "MeetingDurationInMinutes", int(o.Duration/time.Minute))
	}
	dst = append(dst, "<t:MinimumSuggestionQuality>"+o.MinimumQuality.String()+"</t:MinimumSuggestionQuality>"...)
	dst = appendWindow(dst, "DetailedSuggestionsWindow", o.Window, zone)
	if !o.CurrentMeetingTime.IsZero() {
		dst = append(appendWall(append(dst, "<t:CurrentMeetingTime>"...), zone.Wall(o.CurrentMeetingTime)), "</t:CurrentMeetingTime>"...)
	}
	if o.CurrentMeetingUID != "" {
		dst = append(dst, "<t:GlobalObjectId>"...)
		dst = append(xmlsec.AppendText(dst, globalObjectID(o.CurrentMeetingUID)), "</t:GlobalObjectId>"...)
	}
	return append(dst, "</t:SuggestionsViewOptions>"...)
}

// readSuggestionsAnswer reads m:SuggestionsResponse; what failed of it is its Err.
func readSuggestionsAnswer(r xmlsec.Element, attendees int, zone *timezone.Zone) (*availability.Suggestions, error) {
	if r.IsZero() {
		return nil, lie("it holds no suggestions")
	}
	refusal, err := refusalIn(r.Child(nsMessages, "ResponseMessage"))
	if err != nil {
		return nil, err
	}
	if refusal != nil {
		return &availability.Suggestions{Err: refusal}, nil
	}
	s := &availability.Suggestions{}
	for e := range r.Child(nsMessages, "SuggestionDayResultArray").Children() {
		d := availability.SuggestionDay{}
		if d.Date, err = readPlaced(e, "Date", func(wall time.Time) time.Time { return wall }); err != nil {
			return nil, err
		}
		if d.Quality, err = readQuality(e, "DayQuality"); err != nil {
			return nil, err
		}
		for g := range e.Child(nsTypes, "SuggestionArray").Children() {
			one, err := readSuggestion(g, attendees, zone)
			if err != nil {
				return nil, err
			}
			d.Suggestions = append(d.Suggestions, one)
		}
		s.Days = append(s.Days, d)
	}
	return s, nil
}

func readQuality(parent xmlsec.Element, name string) (availability.SuggestionQuality, error) {
	text, err := textOf(parent.Child(nsTypes, name))
	if err != nil {
		return 0, err
	}
	q, ok := availability.ParseQuality(text)
	if !ok {
		return 0, lie("%s is %.40q", name, text)
	}
	return q, nil
}

func readSuggestion(e xmlsec.Element, attendees int, zone *timezone.Zone) (s availability.Suggestion, err error) {
	if s.Time, err = readDateTime(e, "MeetingTime", zone); err != nil {
		return s, err
	}
	if s.Quality, err = readQuality(e, "SuggestionQuality"); err != nil {
		return s, err
	}
	s.WorkTime = isTrue(e.Child(nsTypes, "IsWorkTime"))
	for c := range e.Child(nsTypes, "AttendeeConflictDataArray").Children() {
		conflict, err := readConflict(c)
		if err != nil {
			return s, err
		}
		s.Conflicts = append(s.Conflicts, conflict)
	}
	if len(s.Conflicts) != attendees {
		return s, lie("a suggestion for %d attendees instead of %d", len(s.Conflicts), attendees)
	}
	return s, nil
}

// readConflict reads one of the forms of AttendeeConflictData.
func readConflict(e xmlsec.Element) (c availability.Conflict, err error) {
	switch e.Local() {
	case "UnknownAttendeeConflictData":
		c.Kind = availability.UnknownConflict
	case "TooBigGroupAttendeeConflictData":
		c.Kind = availability.TooBigGroupConflict
	case "IndividualAttendeeConflictData":
		c.Kind = availability.IndividualConflict
		text, err := textOf(e.Child(nsTypes, "BusyType"))
		if err != nil {
			return c, err
		}
		if c.BusyType, err = mailbox.ParseBusyType(text); err != nil {
			return c, lie("a conflict of type %.40q", text)
		}
	case "GroupAttendeeConflictData":
		c.Kind = availability.GroupConflict
		for name, into := range map[string]*int{"NumberOfMembers": &c.Members.All, "NumberOfMembersAvailable": &c.Members.Available,
			"NumberOfMembersWithConflict": &c.Members.WithConflict, "NumberOfMembersWithNoData": &c.Members.WithNoData} {
			if *into, err = readInt(e.Child(nsTypes, name)); err != nil {
				return c, err
			}
		}
	default:
		return c, lie("a conflict is a %.60s", e.Local())
	}
	return c, nil
}
