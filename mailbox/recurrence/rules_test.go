package recurrence_test

import "testing"

func TestRulesEnd(t *testing.T) {
	hour := func(start, rule string) string { return event("DTSTART"+start, "DURATION:PT1H", "RRULE:"+rule) }
	const berlin = ";TZID=Europe/Berlin:20260105T003000" // 4 January 23:30 in UTC
	const two, three = "0104T2330+1h0m0s 0105T2330+1h0m0s", "0104T2330+1h0m0s 0105T2330+1h0m0s 0106T2330+1h0m0s"
	day := func(rule string) string { return event("DTSTART;VALUE=DATE:20260105", "RRULE:"+rule) }
	const days = "0104T2300+24h0m0s 0105T2300+24h0m0s"
	edges := []edge{
		{"COUNT", hour(berlin, "FREQ=DAILY;COUNT=3"), "", "", "UTC", three},
		{"COUNT, seen from its end", hour(":20160101T100000Z", "FREQ=DAILY;COUNT=3658"), "", "", "UTC", "1231T1000+1h0m0s 0101T1000+1h0m0s 0102T1000+1h0m0s 0103T1000+1h0m0s 0104T1000+1h0m0s 0105T1000+1h0m0s"},
		{"UNTIL in UTC, at an instance", hour(berlin, "FREQ=DAILY;UNTIL=20260105T233000Z"), "", "", "UTC", two},
		{"UNTIL in UTC, a second before", hour(berlin, "FREQ=DAILY;UNTIL=20260106T232959Z"), "", "", "UTC", two},
		{"UNTIL without zone is in the series' zone", hour(berlin, "FREQ=DAILY;UNTIL=20260107T003000"), "", "", "Asia/Tokyo", three},
		{"UNTIL as a day is that day in the series' zone", hour(berlin, "FREQ=DAILY;UNTIL=20260106"), "", "", "UTC", two},
		{"UNTIL in UTC of a floating series", hour(":20260105T003000", "FREQ=DAILY;UNTIL=20260105T233000Z"), "", "", "Europe/Berlin", two},
		{"UNTIL as a day of an all-day series", day("FREQ=DAILY;UNTIL=20260106"), "", "", "Europe/Berlin", days},
		{"UNTIL as a time of an all-day series", day("FREQ=DAILY;UNTIL=20260106T235959"), "", "", "Europe/Berlin", days},
		{"UNTIL at local midnight in UTC of an all-day series", day("FREQ=DAILY;UNTIL=20260105T230000Z"), "", "", "Europe/Berlin", days},
		{"UNTIL before the start", hour(berlin, "FREQ=DAILY;UNTIL=20250101T000000Z"), "", "", "UTC", ""},
		{"UNTIL over the change to summer time", hour(";TZID=America/New_York:20251231T230000", "FREQ=MONTHLY;UNTIL=20260201T040000Z"), "", "", "UTC", "0101T0400+1h0m0s 0201T0400+1h0m0s"},
	}
	for i := range edges {
		edges[i].from, edges[i].until = "2025-12-31", "2026-02-02"
	}
	check(t, edges)
}

func TestRulesOfTheCalendar(t *testing.T) {
	rule := func(start, rule string) string { return event("DTSTART;VALUE=DATE:"+start, "RRULE:"+rule) }
	const d = "T0000+24h0m0s"
	check(t, []edge{
		{"the last working day", rule("20260130", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"), "2026-01-01", "2026-06-01", "UTC", "0130" + d + " 0227" + d + " 0331" + d + " 0430" + d + " 0529" + d},
		{"the second and the last but one", rule("20260102", "FREQ=MONTHLY;BYDAY=MO,FR;BYSETPOS=2,-2"), "2026-01-01", "2026-02-01", "UTC", "0105" + d + " 0126" + d},
		{"29 February of leap years only", rule("20240229", "FREQ=YEARLY"), "2025-01-01", "2033-01-01", "UTC", "0229" + d + " 0229" + d},
		{"29 February, not in 2100", rule("20960229", "FREQ=YEARLY"), "2097-01-01", "2105-01-01", "UTC", "0229" + d},
		{"the last of February", rule("20240229", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1"), "2025-01-01", "2029-01-01", "UTC", "0228" + d + " 0228" + d + " 0228" + d + " 0229" + d},
		{"the 366th day", rule("20241231", "FREQ=YEARLY;BYYEARDAY=366"), "2025-01-01", "2029-01-01", "UTC", "1231" + d},
		{"Monday of week 53, which most years lack", rule("20201228", "FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO"), "2021-06-01", "2033-01-01", "UTC", "1228" + d + " 1227" + d},
		{"Thursday of week 53", rule("20201231", "FREQ=YEARLY;BYWEEKNO=53;BYDAY=TH"), "2021-06-01", "2033-01-01", "UTC", "1231" + d + " 1230" + d},
		{"every second week that begins on Monday", rule("19970805", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO"), "1997-08-01", "1997-10-01", "UTC", "0805" + d + " 0810" + d + " 0819" + d + " 0824" + d},
		{"every second week that begins on Sunday", rule("19970805", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU"), "1997-08-01", "1997-10-01", "UTC", "0805" + d + " 0817" + d + " 0819" + d + " 0831" + d},
		{"every January day, counted over years", rule("20200101", "FREQ=DAILY;BYMONTH=1;COUNT=312"), "2030-01-01", "2031-01-01", "UTC", "0101" + d + " 0102" + d},
		{"leap days as days, counted", rule("20000229", "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;COUNT=7"), "2023-01-01", "2033-01-01", "UTC", "0229" + d},
		{"in small letters, with spaces and a semicolon at the end", rule("20260105", " freq=weekly; byday=mo, we;count=3;"), "2026-01-01", "2026-02-01", "UTC", "0105" + d + " 0107" + d + " 0112" + d},
	})
}
