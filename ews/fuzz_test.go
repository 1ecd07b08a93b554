package ews_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/directory"
	"github.com/availd/availd/ews"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// addGolden adds the golden files of a kind to the corpus.
func addGolden(f *testing.F, kind string) {
	f.Helper()
	files, err := filepath.Glob("testdata/*/*." + kind + ".xml")
	if err != nil || len(files) == 0 {
		f.Fatal("no stories", err)
	}
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
}

// FuzzEveryRequestHasAnAnswer sends requests of every operation to both endpoints. Whatever they hold, the answer is an
// envelope that can be read.
func FuzzEveryRequestHasAnAnswer(f *testing.F) {
	addGolden(f, "request")
	service := &availability.Service{Calendars: contoso{}, Relationships: contoso{}, Organization: contoso{}, Remote: contoso{}, Limits: availability.DefaultLimits(),
		Now: func() time.Time { return at(23, 12, 0) }}
	book := addressBook(f)
	var endpoints []http.Handler
	for _, story := range []string{"tom-", "partner-scoped"} {
		endpoints = append(endpoints, ews.NewHandler(ews.Options{Service: service, Recipients: recipients(f, story), Directory: book, Calendar: service, Now: service.Now,
			Authenticate: func(context.Context, *soap.Envelope) (orgrel.Requester, error) { return requester(story), nil }}))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, h := range endpoints {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/EWS/Exchange.asmx", bytes.NewReader(body))
			r.Header.Set("Content-Type", "text/xml; charset=utf-8")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			limits := xmlsec.DocumentLimits()
			limits.Bytes, limits.Elements = 64<<20, 1<<20
			if _, err := soap.Parse(w.Body.Bytes(), soap.V11, limits, func(string, string) bool { return true }); err != nil || w.Code != http.StatusOK && w.Code != http.StatusInternalServerError {
				t.Errorf("HTTP %d, %v: %.500s", w.Code, err, w.Body)
			}
		}
	})
}

// said answers every call with the same bytes.
type said []byte

func (s said) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(s)), Request: r}, nil
}

// FuzzClientReadsAnyAnswer has a partner answer anything. What the client takes is of the number and the kind that was
// asked for.
func FuzzClientReadsAnyAnswer(f *testing.F) {
	addGolden(f, "response")
	q := availability.Query{Window: availability.Window{Start: at(23, 0, 0), End: at(24, 0, 0)}, View: availability.DetailedMerged,
		Mailboxes: []availability.Attendee{{Address: own("tom")}}, Suggestions: &availability.SuggestionsOptions{Window: availability.Window{Start: at(23, 0, 0), End: at(24, 0, 0)}, Duration: time.Hour}}
	f.Fuzz(func(t *testing.T, body []byte) {
		c := &ews.Client{HTTP: &http.Client{Transport: said(body)}}
		ctx := t.Context()
		if a, err := c.GetUserAvailability(ctx, q); err == nil && (len(a.Results) != 1 || strings.Trim(a.Results[0].View.Merged, "01234") != "") {
			t.Errorf("%+v", a)
		}
		if tips, err := c.GetMailTips(ctx, directory.MailTipsQuery{Recipients: someone("tom@contoso.example"), Requested: directory.AllMailTips}); err == nil && len(tips) != 1 {
			t.Errorf("%+v", tips)
		}
		if p, err := c.GetUserPhoto(ctx, directory.PhotoQuery{Size: directory.PhotoSize{Width: 48, Height: 48}}); err == nil && http.DetectContentType(p.Data) != "image/jpeg" {
			t.Errorf("a photo that is %s", http.DetectContentType(p.Data))
		}
		if rows, err := c.GetItem(ctx, "id"); err == nil && len(rows) != 1 {
			t.Errorf("%+v", rows)
		}
		_, _, _ = c.FindItem(ctx, ews.FolderID{Distinguished: "calendar"}, q.Window, 10)
		_, _ = c.GetFolder(ctx, ews.FolderID{Distinguished: "calendar"})
		_, _ = c.ConvertID(ctx, "id")
		_, _, _ = c.ResolveNames(ctx, "tom")
		_, _ = c.ExpandDL(ctx, "staff")
		_, _ = c.GetRoomLists(ctx)
		_, _ = c.GetRooms(ctx, smtpaddr.MustAddress("rooms@contoso.example"))
		_, _, _ = c.GetUserOofSettings(ctx, own("tom"))
		_, _ = c.MailTipsConfiguration(ctx)
		_, _ = c.GetServerTimeZones(ctx, "UTC")
	})
}
