package timezone

import "testing"

func TestDataVersionIsTheSameForTheSameRules(t *testing.T) {
	a, b := DataVersion(), DataVersion()
	if a != b || len(a) != 16 {
		t.Errorf("%q, then %q", a, b)
	}
}

func BenchmarkDataVersion(b *testing.B) {
	for b.Loop() {
		DataVersion()
	}
}
