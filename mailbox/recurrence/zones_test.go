package recurrence_test

import (
	"strings"
	"testing"
)

// withZone puts a VTIMEZONE in front of the events of a calendar.
func withZone(ics string, zone ...string) string {
	return strings.Replace(ics, "BEGIN:VEVENT", "BEGIN:VTIMEZONE\n"+strings.Join(zone, "\n")+"\nEND:VTIMEZONE\nBEGIN:VEVENT", 1)
}

// central are the observances of central Europe as Outlook writes them, from 1601 on.
func central(id string, more ...string) []string {
	return append([]string{id, "BEGIN:STANDARD", "DTSTART:16011028T030000", "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10", "TZOFFSETFROM:+0200", "TZOFFSETTO:+0100", "END:STANDARD",
		"BEGIN:DAYLIGHT", "DTSTART:16010325T020000", "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3", "TZOFFSETFROM:+0100", "TZOFFSETTO:+0200", "END:DAYLIGHT"}, more...)
}

func fixed(id, offset string) []string {
	return []string{id, "BEGIN:STANDARD", "DTSTART:16010101T000000", "TZOFFSETFROM:" + offset, "TZOFFSETTO:" + offset, "END:STANDARD"}
}

// TestZonesAsProductsWriteThem has an event at 10 in January and one at 10 in July.
func TestZonesAsProductsWriteThem(t *testing.T) {
	const berlin, newYork = "0110T0900 0710T0800", "0110T1500 0710T1400"
	for _, c := range []struct {
		story, tzid string
		vtimezone   []string
		want        string
	}{
		{"an IANA name", "Europe/Berlin", nil, berlin},
		{"a link of the database", "US/Eastern", nil, newYork},
		{"a new name that CLDR does not know", "Europe/Kyiv", nil, "0110T0800 0710T0700"},
		{"a Windows name", "W. Europe Standard Time", nil, berlin},
		{"a Windows name in other case", "w. europe standard time", nil, berlin},
		{"in quotation marks", `"Eastern Standard Time"`, nil, newYork},
		{"Mozilla's prefix", "/mozilla.org/20070129_1/Europe/Berlin", nil, berlin},
		{"Evolution's prefix", "/freeassociation.sourceforge.net/America/New_York", nil, newYork},
		{"Outlook on the web", "tzone://Microsoft/Utc", nil, "0110T1000 0710T1000"},
		{"a display name", `"(UTC-05:00) Eastern Time (US & Canada)"`, nil, newYork},
		{"a display name of old", `"(GMT+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna"`, nil, berlin},
		{"a display name without offset", `"Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna"`, nil, berlin},
		{"Lotus", "Eastern", nil, newYork},
		{"Lotus, of Europe", "W. Europe", nil, berlin},
		{"a name of the file's own", "Customized Time Zone", central("TZID:Customized Time Zone"), berlin},
		{"a name of the file's own, quoted here and there", `"My: zone"`, central(`TZID:"My: zone"`), berlin},
		{"a name of the file's own with spaces around", "Own", central("TZID: Own "), berlin},
		{"a known name with one year's rules: the name", "Eastern Standard Time", fixed("TZID:Eastern Standard Time", "-0500"), newYork},
		{"an IANA name with other rules: the name", "Europe/Berlin", fixed("TZID:Europe/Berlin", "+0530"), berlin},
		{"a prefixed IANA name with other rules: the name", "/citadel.org/Europe/Berlin", fixed("TZID:/citadel.org/Europe/Berlin", "+0530"), berlin},
		{"a short name with rules: the rules", "EST", central("TZID:EST"), berlin},
		{"Lotus's short name with rules: the rules", "Eastern", fixed("TZID:Eastern", "+0200"), "0110T0800 0710T0800"},
		{"London's time under the name GMT: the rules", "GMT", []string{"TZID:GMT", "BEGIN:STANDARD", "DTSTART:19501029T020000", "TZOFFSETFROM:+0100", "TZOFFSETTO:+0000",
			"RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU", "END:STANDARD", "BEGIN:DAYLIGHT", "DTSTART:19500326T020000", "TZOFFSETFROM:+0000", "TZOFFSETTO:+0100",
			"RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU", "END:DAYLIGHT"}, "0110T1000 0710T0900"},
		{"GMT without rules", "GMT", nil, "0110T1000 0710T1000"},
		{"a short name with rules that cannot be read: the name", "EST", lines("TZID:EST", "BEGIN:STANDARD", "TZOFFSETTO:nonsense", "END:STANDARD"), "0110T1500 0710T1500"},
		{"rules by day of the month", "Own", lines("TZID:Own", "BEGIN:STANDARD", "DTSTART:20001015T000000", "TZOFFSETFROM:+0200", "TZOFFSETTO:+0100", "RRULE:FREQ=YEARLY", "END:STANDARD",
			"BEGIN:DAYLIGHT", "DTSTART:20000309T000000", "TZOFFSETFROM:+0100", "TZOFFSETTO:+0200", "RRULE:FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=8,9,10,11,12,13,14;BYDAY=SU", "END:DAYLIGHT"), berlin},
		{"dates instead of rules", "Own", lines("TZID:Own", "BEGIN:STANDARD", "DTSTART:20241027T030000", "RDATE:20251026T030000,20261025T030000", "TZOFFSETFROM:+0200", "TZOFFSETTO:+0100", "END:STANDARD",
			"BEGIN:DAYLIGHT", "DTSTART:20250330T020000", "RDATE:20260329T020000", "TZOFFSETFROM:+0100", "TZOFFSETTO:+0200", "END:DAYLIGHT"), berlin},
		{"a rule that ended, at its very last instant", "Own", lines("TZID:Own", "BEGIN:DAYLIGHT", "DTSTART:20000326T020000", "TZOFFSETFROM:+0100", "TZOFFSETTO:+0200",
			"RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU;UNTIL=20100328T010000Z", "END:DAYLIGHT", "BEGIN:STANDARD", "DTSTART:20001029T030000", "TZOFFSETFROM:+0200", "TZOFFSETTO:+0100",
			"RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU;UNTIL=20101031T010000Z", "END:STANDARD"), "0110T0900 0710T0900"},
		{"before the first observance", "Own", lines("TZID:Own", "BEGIN:STANDARD", "DTSTART:20260601T000000", "TZOFFSETFROM:+0300", "TZOFFSETTO:+0200", "END:STANDARD"), "0110T0700 0710T0800"},
		{"an offset with seconds", "Own", fixed("TZID:Own", "+003020"), "0110T0929 0710T0929"},
	} {
		t.Run(c.story, func(t *testing.T) {
			tz := ";TZID=" + c.tzid
			ics := event("DTSTART"+tz+":20260110T100000", "RDATE"+tz+":20260710T100000")
			if strings.Contains(c.tzid, ":") && !strings.HasPrefix(c.tzid, `"`) { // must be quoted
				ics = strings.ReplaceAll(ics, c.tzid, `"`+c.tzid+`"`)
			}
			if c.vtimezone != nil {
				ics = withZone(ics, c.vtimezone...)
			}
			if got := strings.ReplaceAll(starts(t, ics, "2026-01-01", "2027-01-01", "Asia/Tokyo"), "+0s", ""); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestZonesThatNobodyCanPlaceAreRefused(t *testing.T) {
	for story, c := range map[string]struct{ ics, want string }{
		"neither known nor defined": {event("DTSTART;TZID=Customized Time Zone:20260110T100000"), "is neither known nor defined"},
		"the machine's":             {event("DTSTART;TZID=localtime:20260110T100000"), "is neither known nor defined"},
		"a rule by weeks": {withZone(event("DTSTART;TZID=Own:20260110T100000"), "TZID:Own", "BEGIN:STANDARD", "DTSTART:20000101T000000", "TZOFFSETFROM:+0100", "TZOFFSETTO:+0100",
			"RRULE:FREQ=WEEKLY", "END:STANDARD"), "in a VTIMEZONE is not understood"},
		"a malformed offset": {withZone(event("DTSTART;TZID=Own:20260110T100000"), "TZID:Own", "BEGIN:STANDARD", "DTSTART:20000101T000000", "TZOFFSETTO:1", "END:STANDARD"), "offset \"1\" is malformed"},
		"nothing inside":     {withZone(event("DTSTART;TZID=Own:20260110T100000"), "TZID:Own"), "has 0 parts"},
	} {
		if err := refusal(t, c.ics); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", story, err)
		}
	}
}
