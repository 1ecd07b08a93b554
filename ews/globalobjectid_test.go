package ews

import (
	"encoding/hex"
	"testing"
)

func TestGlobalObjectIdNamesItsItem(t *testing.T) {
	own := "040000008200E00074C5B7101A82E00800000000B0225E1A3E5ECB01000000000000000010000000A1B2C3D4E5F60718293A4B5C6D7E8F90"
	foreign := "040000008200E00074C5B7101A82E0080000000000000000000000000000000000000000" + "1C000000" + hex.EncodeToString([]byte("vCal-Uid\x01\x00\x00\x00meeting@example\x00"))
	for id, want := range map[string]string{"": "", own: own, foreign: "meeting@example", "not hex!": "", "3q2+7w==": "DEADBEEF"} {
		if got := uidOf(id); got != want {
			t.Errorf("%.20q: %q, want %q", id, got, want)
		}
	}
}
