package recurrence_test

import "testing"

// and adds another component of the same UID.
func and(lines ...string) []string {
	return append([]string{"END:VEVENT", "BEGIN:VEVENT", "UID:x"}, lines...)
}

func events(parts ...[]string) string {
	var all []string
	for _, p := range parts {
		all = append(all, p...)
	}
	return event(all...)
}

func lines(l ...string) []string { return l }

// edge is a calendar and what its owner, who lives in zone, is busy with in the window.
type edge struct{ story, ics, from, until, zone, want string }

func check(t *testing.T, edges []edge) {
	t.Helper()
	for _, c := range edges {
		t.Run(c.story, func(t *testing.T) {
			if got := starts(t, c.ics, c.from, c.until, c.zone); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestFloatingTimesAndDaysLieInTheOwnersZone(t *testing.T) {
	floating := event("DTSTART:20260701T090000", "DTEND:20260701T100000")
	day := event("DTSTART;VALUE=DATE:20260701", "DTEND;VALUE=DATE:20260702")
	check(t, []edge{
		{"floating in Tokyo", floating, "2026-06-30", "2026-07-03", "Asia/Tokyo", "0701T0000+1h0m0s"},
		{"floating in Los Angeles", floating, "2026-06-30", "2026-07-03", "America/Los_Angeles", "0701T1600+1h0m0s"},
		{"a day in Auckland begins the day before", day, "2026-06-30", "2026-07-03", "Pacific/Auckland", "0630T1200+24h0m0s"},
		{"a day in Honolulu ends the day after", day, "2026-06-30", "2026-07-03", "Pacific/Honolulu", "0701T1000+24h0m0s"},
		{"a day that ends where it begins lasts one", event("DTSTART;VALUE=DATE:20260701", "DTEND;VALUE=DATE:20260701"), "2026-06-30", "2026-07-03", "UTC", "0701T0000+24h0m0s"},
		{"a day without end lasts one", event("DTSTART;VALUE=DATE:20260701"), "2026-06-30", "2026-07-03", "UTC", "0701T0000+24h0m0s"},
		{"a week as DURATION", event("DTSTART;VALUE=DATE:20260701", "DURATION:P1W"), "2026-06-30", "2026-07-03", "UTC", "0701T0000+168h0m0s"},
		{"part of a day as DURATION takes the day", event("DTSTART;VALUE=DATE:20260701", "DURATION:PT30H"), "2026-06-30", "2026-07-03", "UTC", "0701T0000+48h0m0s"},
		{"days over the change to summer time", event("DTSTART;VALUE=DATE:20260328", "DTEND;VALUE=DATE:20260330"), "2026-03-01", "2026-04-01", "Europe/Berlin", "0327T2300+47h0m0s"},
		{"a day whose midnight is skipped begins at one", event("DTSTART;VALUE=DATE:20260329"), "2026-03-01", "2026-04-01", "Asia/Beirut", "0328T2200+23h0m0s"},
		{"a day that was skipped as a whole is the next", event("DTSTART;VALUE=DATE:20111230"), "2011-12-01", "2012-01-31", "Pacific/Apia", "1230T1000+24h0m0s"},
		{"floating over the change keeps what the clock shows", event("DTSTART:20260328T230000", "DTEND:20260329T050000"), "2026-03-01", "2026-04-01", "Europe/Berlin", "0328T2200+5h0m0s"},
		{"hours of a rule mean nothing to days", event("DTSTART;VALUE=DATE:20260701", "RRULE:FREQ=DAILY;COUNT=2;BYHOUR=9;BYMINUTE=30"), "2026-06-30", "2026-07-05", "UTC",
			"0701T0000+24h0m0s 0702T0000+24h0m0s"},
		{"Outlook's all-day event with times has days of 23 hours", event("DTSTART;TZID=Europe/Berlin:20260328T000000", "DTEND;TZID=Europe/Berlin:20260329T000000",
			"X-MICROSOFT-CDO-ALLDAYEVENT:TRUE", "RRULE:FREQ=DAILY;COUNT=3"), "2026-03-01", "2026-04-01", "UTC", "0327T2300+24h0m0s 0328T2300+23h0m0s 0329T2200+24h0m0s"},
	})
}

func TestGapsFoldsAndLengths(t *testing.T) {
	check(t, []edge{
		{"DTEND is an exact time later", event("DTSTART;TZID=Europe/Berlin:20260327T120000", "DTEND;TZID=Europe/Berlin:20260328T120000", "RRULE:FREQ=DAILY;COUNT=2"),
			"2026-03-01", "2026-04-01", "UTC", "0327T1100+24h0m0s 0328T1100+24h0m0s"},
		{"a DURATION in days is as long as the days are", event("DTSTART;TZID=Europe/Berlin:20260327T120000", "DURATION:P1D", "RRULE:FREQ=DAILY;COUNT=2"),
			"2026-03-01", "2026-04-01", "UTC", "0327T1100+24h0m0s 0328T1100+23h0m0s"},
		{"a DURATION in hours is exact", event("DTSTART;TZID=Europe/Berlin:20260328T120000", "DURATION:PT24H"), "2026-03-01", "2026-04-01", "UTC", "0328T1100+24h0m0s"},
		{"days first, then hours", event("DTSTART;TZID=Europe/Berlin:20261024T120000", "DURATION:P1DT2H"), "2026-10-01", "2026-11-01", "UTC", "1024T1000+27h0m0s"},
		{"the first instance is the one that lasts over the change", event("DTSTART;TZID=Europe/Berlin:20260328T230000", "DTEND;TZID=Europe/Berlin:20260329T070000", "RRULE:FREQ=DAILY;COUNT=2"),
			"2026-03-01", "2026-04-01", "UTC", "0328T2200+7h0m0s 0329T2100+7h0m0s"},
		{"start and end in two zones", event("DTSTART;TZID=Europe/Berlin:20260701T100000", "DTEND;TZID=America/New_York:20260701T120000"), "2026-07-01", "2026-07-02", "UTC", "0701T0800+8h0m0s"},
		{"both in the fold", event("DTSTART;TZID=Europe/Berlin:20261025T021500", "DTEND;TZID=Europe/Berlin:20261025T024500"), "2026-10-01", "2026-11-01", "UTC", "1025T0015+30m0s"},
		{"floating within the gap keeps its length", event("DTSTART:20260329T023000", "DTEND:20260329T031500"), "2026-03-01", "2026-04-01", "Europe/Berlin", "0329T0130+45m0s"},
		{"an EXDATE in the gap meets the moved instance", event("DTSTART;TZID=America/New_York:20260307T023000", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=3", "EXDATE;TZID=America/New_York:20260308T023000"),
			"2026-03-01", "2026-04-01", "UTC", "0307T0730+1h0m0s 0309T0630+1h0m0s"},
		{"second 60 is the last of its minute", event("DTSTART:20260630T235960", "DURATION:PT1H"), "2026-06-01", "2026-07-02", "UTC", "0630T2359+1h0m0s"},
		{"neither end nor duration: an instant", event("DTSTART:20260701T120000Z"), "2026-07-01", "2026-07-02", "UTC", "0701T1200+0s"},
	})
}

func TestWindowEdges(t *testing.T) {
	night := event("DTSTART:20260701T220000Z", "DTEND:20260702T020000Z")
	instant := event("DTSTART:20260702T000000Z")
	check(t, []edge{
		{"over midnight belongs to the day before", night, "2026-07-01", "2026-07-02", "UTC", "0701T2200+4h0m0s"},
		{"over midnight belongs to the day after, whole", night, "2026-07-02", "2026-07-03", "UTC", "0701T2200+4h0m0s"},
		{"ends where the window begins", event("DTSTART:20260701T230000Z", "DTEND:20260702T000000Z"), "2026-07-02", "2026-07-03", "UTC", ""},
		{"begins where the window ends", event("DTSTART:20260703T000000Z", "DTEND:20260703T010000Z"), "2026-07-02", "2026-07-03", "UTC", ""},
		{"an instant at the beginning counts", instant, "2026-07-02", "2026-07-03", "UTC", "0702T0000+0s"},
		{"an instant at the end does not", instant, "2026-07-01", "2026-07-02", "UTC", ""},
		{"longer than the window, from long before", event("DTSTART:20260101T000000Z", "DTEND:20261231T000000Z"), "2026-07-01", "2026-07-02", "UTC", "0101T0000+8736h0m0s"},
		{"an instance of a series reaches in from weeks before", event("DTSTART:20250601T000000Z", "DURATION:P40D", "RRULE:FREQ=YEARLY"), "2026-07-10", "2026-07-11", "UTC", "0601T0000+960h0m0s"},
	})
}

func TestDatesOfASet(t *testing.T) {
	daily := lines("DTSTART;TZID=Europe/Berlin:20260105T100000", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=4")
	set := func(more ...string) string { return events(daily, more) }
	const all = "0105T0900+1h0m0s 0106T0900+1h0m0s 0107T0900+1h0m0s 0108T0900+1h0m0s"
	const two = "0105T0900+1h0m0s 0108T0900+1h0m0s"
	check(t, []edge{
		{"EXDATE as a list", set("EXDATE;TZID=Europe/Berlin:20260106T100000,20260107T100000"), "2026-01-01", "2026-02-01", "UTC", two},
		{"EXDATE in UTC", set("EXDATE:20260106T090000Z", "EXDATE:20260107T090000Z"), "2026-01-01", "2026-02-01", "UTC", two},
		{"EXDATE in another zone", set("EXDATE;TZID=America/New_York:20260106T040000,20260107T040000"), "2026-01-01", "2026-02-01", "UTC", two},
		{"EXDATE without zone is in the series' zone", set("EXDATE:20260106T100000,20260107T100000"), "2026-01-01", "2026-02-01", "Asia/Tokyo", two},
		{"EXDATE as days excludes those days' instances", set("EXDATE;VALUE=DATE:20260106,20260107"), "2026-01-01", "2026-02-01", "Asia/Tokyo", two},
		{"EXDATE at another time excludes nothing", set("EXDATE;TZID=Europe/Berlin:20260106T110000"), "2026-01-01", "2026-02-01", "UTC", all},
		{"EXDATE with a time for an all-day series", event("DTSTART;VALUE=DATE:20260105", "RRULE:FREQ=DAILY;COUNT=2", "EXDATE:20260106T000000"), "2026-01-01", "2026-02-01", "UTC", "0105T0000+24h0m0s"},
		{"EXDATE in UTC for an all-day series, at local midnight", event("DTSTART;VALUE=DATE:20260105", "RRULE:FREQ=DAILY;COUNT=2", "EXDATE:20260105T230000Z"), "2026-01-01", "2026-02-01", "Europe/Berlin", "0104T2300+24h0m0s"},
		{"EXDATE of DTSTART itself counts for COUNT", set("EXDATE;TZID=Europe/Berlin:20260105T100000"), "2026-01-01", "2026-02-01", "UTC", "0106T0900+1h0m0s 0107T0900+1h0m0s 0108T0900+1h0m0s"},
		{"EXRULE of the old standard", set("EXRULE:FREQ=DAILY;INTERVAL=2"), "2026-01-01", "2026-02-01", "UTC", "0106T0900+1h0m0s 0108T0900+1h0m0s"},
		{"RDATE with an instance of the rule is one", set("RDATE;TZID=Europe/Berlin:20260106T100000"), "2026-01-01", "2026-02-01", "UTC", all},
		{"RDATE periods by end and by duration", event("DTSTART:20260105T100000Z", "DURATION:PT1H", "RDATE;VALUE=PERIOD:20260106T100000Z/20260106T130000Z,20260107T100000Z/PT5H30M"),
			"2026-01-01", "2026-02-01", "UTC", "0105T1000+1h0m0s 0106T1000+3h0m0s 0107T1000+5h30m0s"},
		{"an RDATE period sets the length of an instance of the rule", set("RDATE;VALUE=PERIOD;TZID=Europe/Berlin:20260106T100000/PT3H"), "2026-01-01", "2026-02-01", "UTC",
			"0105T0900+1h0m0s 0106T0900+3h0m0s 0107T0900+1h0m0s 0108T0900+1h0m0s"},
		{"an RDATE period over the change is as long as its ends are apart", event("DTSTART;TZID=Europe/Berlin:20260301T100000", "DURATION:PT1H", "RDATE;VALUE=PERIOD;TZID=Europe/Berlin:20260328T230000/20260329T070000"),
			"2026-03-10", "2026-04-01", "UTC", "0328T2200+7h0m0s"},
		{"RDATE as a day of a timed series is at its time", set("RDATE;VALUE=DATE:20260120"), "2026-01-10", "2026-02-01", "UTC", "0120T0900+1h0m0s"},
		{"RDATE with a time of an all-day series is the day", event("DTSTART;VALUE=DATE:20260105", "RDATE:20260120T000000"), "2026-01-10", "2026-02-01", "Europe/Berlin", "0119T2300+24h0m0s"},
		{"EXDATE takes an RDATE away", set("RDATE;TZID=Europe/Berlin:20260120T100000", "EXDATE:20260120T090000Z"), "2026-01-10", "2026-02-01", "UTC", ""},
		{"two rules", event("DTSTART:20260105T100000Z", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=2", "RRULE:FREQ=MONTHLY;COUNT=2"), "2026-01-01", "2026-03-01", "UTC",
			"0105T1000+1h0m0s 0112T1000+1h0m0s 0205T1000+1h0m0s"},
	})
}
