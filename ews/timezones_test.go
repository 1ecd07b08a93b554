package ews_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/availd/availd/ews"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/mailbox/timezone"
	"github.com/availd/availd/orgrel"
)

// everyZone asks a handler for all zones with their rules.
func everyZone(tb testing.TB, h *ews.Handler) *httptest.ResponseRecorder {
	tb.Helper()
	const request = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><GetServerTimeZones xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"/></s:Body></s:Envelope>`
	r := httptest.NewRequestWithContext(tb.Context(), http.MethodPost, "/EWS/Exchange.asmx", strings.NewReader(request))
	r.Header.Set("Content-Type", "text/xml; charset=utf-8")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		tb.Fatalf("HTTP %d %s", w.Code, w.Body)
	}
	return w
}

func zonesHandler() *ews.Handler {
	return ews.NewHandler(ews.Options{Authenticate: func(context.Context, *soap.Envelope) (orgrel.Requester, error) { return requester("own"), nil }})
}

// TestGetServerTimeZonesListsEveryZoneInOrder also says that a client which reads the groups by their ids finds them.
func TestGetServerTimeZonesListsEveryZoneInOrder(t *testing.T) {
	type transition struct {
		To struct {
			Kind string `xml:",attr"`
			ID   string `xml:",chardata"`
		}
	}
	var answer struct {
		Definitions []struct {
			ID          string `xml:"Id,attr"`
			Transitions struct {
				Plain []transition `xml:"Transition"`
				Dated []transition `xml:"AbsoluteDateTransition"`
			}
			Groups []struct {
				ID string `xml:"Id,attr"`
			} `xml:"TransitionsGroups>TransitionsGroup"`
		} `xml:"Body>GetServerTimeZonesResponse>ResponseMessages>GetServerTimeZonesResponseMessage>TimeZoneDefinitions>TimeZoneDefinition"`
	}
	h := zonesHandler()
	first := everyZone(t, h).Body.Bytes()
	if err := xml.Unmarshal(first, &answer); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, d := range answer.Definitions {
		names = append(names, d.ID)
		if len(d.Transitions.Plain) != 1 || len(d.Transitions.Plain)+len(d.Transitions.Dated) != len(d.Groups) {
			t.Errorf("%s: %d groups, %d transitions", d.ID, len(d.Groups), len(d.Transitions.Plain)+len(d.Transitions.Dated))
			continue
		}
		for i, x := range append(d.Transitions.Plain, d.Transitions.Dated...) {
			if x.To.Kind != "Group" || x.To.ID != d.Groups[i].ID {
				t.Errorf("%s: transition %d leads to %s %s", d.ID, i, x.To.Kind, x.To.ID)
			}
		}
	}
	if want := timezone.WindowsNames(); len(want) < 139 || strings.Join(names, "\n") != strings.Join(want, "\n") {
		t.Errorf("%d zones: %q", len(names), names)
	}
	if again := everyZone(t, h).Body.Bytes(); !bytes.Equal(again, first) {
		t.Error("the second answer differs")
	}
}

// BenchmarkGetServerTimeZones answers with all zones and their rules.
func BenchmarkGetServerTimeZones(b *testing.B) {
	h := zonesHandler()
	b.SetBytes(int64(everyZone(b, h).Body.Len()))
	b.ReportAllocs()
	for b.Loop() {
		everyZone(b, h)
	}
}
