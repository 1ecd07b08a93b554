package server

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestFloodOfRefusedRequestsDoesNotFillTheLogAndIsCounted(t *testing.T) {
	var out bytes.Buffer
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	s := New(Options{Log: slog.New(slog.NewTextHandler(&out, nil)), Now: func() time.Time { return now }}, deadStore{})
	h := s.Public()
	junk := func(path, agent string) {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader("<x/>"))
		r.Header.Set("User-Agent", agent)
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	for range 500 {
		junk("/junk", strings.Repeat("a", 30000))
	}
	if n := strings.Count(out.String(), "\n"); n != 10 || out.Len() > 10*1000 {
		t.Errorf("%d lines, %d bytes", n, out.Len())
	}
	out.Reset()
	junk("/EWS/Exchange.asmx", "\x1b[31mred\r\nlevel=ERROR msg=forged")
	if got := out.String(); !strings.Contains(got, "refusals_not_logged=490") || strings.Count(got, "\n") != 1 || strings.Contains(got, "\x1b") {
		t.Errorf("a refusal of another kind: %q", got)
	}
	out.Reset()
	now = now.Add(time.Second)
	if junk("/junk", ""); strings.Count(out.String(), "\n") != 1 || strings.Contains(out.String(), "not_logged") {
		t.Errorf("a second later: %q", out.String())
	}
}
