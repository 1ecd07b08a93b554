package ews_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/ews"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/orgrel"
)

// BenchmarkBadInput answers each story of a request that is refused, from its bytes to those of the fault.
func BenchmarkBadInput(b *testing.B) {
	stories, err := filepath.Glob("testdata/getuseravailability/fault-*.request.xml")
	if err != nil || len(stories) == 0 {
		b.Fatal("no stories", err)
	}
	service := &availability.Service{Calendars: contoso{}, Relationships: contoso{}, Organization: contoso{}, Remote: contoso{}, Limits: availability.DefaultLimits()}
	h := ews.NewHandler(ews.Options{Service: service, Authenticate: func(context.Context, *soap.Envelope) (orgrel.Requester, error) { return requester(""), nil }})
	for _, path := range stories {
		request, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(strings.TrimSuffix(filepath.Base(path), ".request.xml"), func(b *testing.B) {
			for b.Loop() {
				r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/EWS/Exchange.asmx", strings.NewReader(string(request)))
				r.Header.Set("Content-Type", "text/xml; charset=utf-8")
				w := httptest.NewRecorder()
				if h.ServeHTTP(w, r); w.Code != http.StatusInternalServerError {
					b.Fatal(w.Code)
				}
			}
		})
	}
}
