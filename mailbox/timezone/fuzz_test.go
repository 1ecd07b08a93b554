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
