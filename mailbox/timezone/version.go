package timezone

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"time"
)

// reading moves whenever calendars are read differently than before: what was derived the old way is then derived anew.
const reading = "3"

// DataVersion names the time zone rules in use: a digest of reading, and of every change of offset from 1970 to 2050 in
// all zones that have a Windows name. It depends on what the rules say and not on where they came from (the system's
// files or those in the binary), so nodes that agree on it place the same wall-clock times at the same instants. It
// takes some milliseconds; keep the result.
func DataVersion() string {
	h := sha256.New()
	h.Write([]byte(reading))
	until := time.Date(2050, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, name := range slices.Sorted(maps.Keys(ianaToWindows)) {
		l, err := time.LoadLocation(name)
		if err != nil {
			continue // a zone that these rules do not know
		}
		h.Write([]byte(name))
		for t := time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC); t.Before(until); {
			_, offset := t.In(l).Zone()
			_, end := t.In(l).ZoneBounds()
			_ = binary.Write(h, binary.BigEndian, [2]int64{int64(offset), end.Unix()}) // a hash takes everything
			if end.IsZero() {
				break
			}
			if !end.After(t) { // the library is stuck at some changes that a rule makes at the end of a year
				end = t.AddDate(0, 0, 1)
			}
			t = end
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
