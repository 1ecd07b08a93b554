package timezone

import (
	"testing"
	"time"
)

// FuzzSerializable builds any zone that a request can bring: nothing panics, offsets stay within two days, and a
// wall-clock time placed on the time line and read back is the same, or was skipped.
func FuzzSerializable(f *testing.F) {
	f.Add(-60, 0, 180, 5, 10, 0, 0, -60, 120, 5, 3, 0, 0, int64(1774748400))
	f.Add(480, 0, 120, 1, 11, 0, 0, -60, 120, 2, 3, 0, 0, int64(1793509200))
	f.Add(-600, 0, 180, 1, 4, 0, 0, -60, 120, 1, 10, 0, 0, int64(1775311200))
	f.Add(0, 0, 0, 31, 12, 0, 2026, -60, 0, 1, 1, 0, 2026, int64(0))
	f.Fuzz(func(t *testing.T, bias, sb, st, so, sm, sd, sy, db, dt, do, dm, dd, dy int, at int64) {
		z, err := FromSerializable(Serializable{Bias: bias,
			Standard: SerializableTransition{Bias: sb, Time: time.Duration(st) * time.Minute, DayOrder: so, Month: sm, DayOfWeek: time.Weekday(sd), Year: sy},
			Daylight: SerializableTransition{Bias: db, Time: time.Duration(dt) * time.Minute, DayOrder: do, Month: dm, DayOfWeek: time.Weekday(dd), Year: dy}})
		if err != nil {
			return
		}
		instant := time.Unix(at%(1<<33), 0).UTC()
		wall := z.Wall(instant)
		if d := wall.Sub(instant); d > 49*time.Hour || d < -49*time.Hour {
			t.Fatalf("the offset at %s is %s", instant, d)
		}
		z.Serializable(instant)
		first, second := z.Instant(wall), z.InstantStandard(wall)
		if first.After(second) {
			t.Fatalf("%s: first %s, second %s", wall, first, second)
		}
	})
}

// FuzzDefinition builds any zone that a TimeZoneContext can bring, of two groups that change at a date: nothing panics, and
// the clock shows one of its periods.
func FuzzDefinition(f *testing.F) {
	f.Add(-60, -120, uint8(2), 2, 3, 0, -1, 31, int64(1774748400), int64(1793509200))
	f.Add(300, 240, uint8(3), 26, 12, 6, 5, 31, int64(1798761599), int64(1798761600))
	f.Add(0, 0, uint8(1), 0, 0, 0, 0, 0, int64(0), int64(0))
	f.Fuzz(func(t *testing.T, standard, daylight int, kind uint8, hours, month, weekday, occurrence, day int, from, at int64) {
		rule := Transition{Kind: TransitionKind(kind % 4), To: "d", TimeOffset: time.Duration(hours) * time.Hour, Month: time.Month(month), DayOfWeek: time.Weekday(weekday % 7), Occurrence: occurrence, Day: day}
		z, err := FromDefinition(Definition{
			Periods:     []Period{{ID: "s", Bias: time.Duration(standard) * time.Minute}, {ID: "d", Bias: time.Duration(daylight) * time.Minute}},
			Groups:      []Group{{"0", []Transition{{To: "s"}}}, {"1", []Transition{rule, {Kind: TransitionRecurringDay, To: "s", Month: 11, Occurrence: 1}}}},
			Transitions: []Transition{{ToGroup: true, To: "0"}, {Kind: TransitionAbsoluteDate, ToGroup: true, To: "1", DateTime: time.Unix(from%(1<<33), 0).UTC()}}})
		if err != nil {
			return
		}
		instant := time.Unix(at%(1<<33), 0).UTC()
		if d := -int(z.Wall(instant).Sub(instant) / time.Minute); d != standard && d != daylight {
			t.Fatalf("at %s the clock is %d minutes behind", instant, d)
		}
	})
}
