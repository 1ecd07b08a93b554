package ews

import (
	"testing"
	"time"
)

func TestWallTimesAreWrittenAsTheSchemaHasThem(t *testing.T) {
	for _, at := range []time.Time{time.Date(2026, 1, 2, 3, 4, 5, 999, time.UTC), time.Date(1999, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(804, 2, 29, 0, 0, 0, 0, time.UTC)} {
		if got, want := string(appendWall(nil, at)), at.Format(wallTime); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
