package lab_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/lab"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// captured makes ready messages of a partner by letting its client send them to nobody.
func captured(b *testing.B, l *lab.Lab, users []smtpaddr.Address, asked []smtpaddr.Address, n int) [][]byte {
	b.Helper()
	var out [][]byte
	clients := make([]func() []byte, len(users))
	for i, u := range users {
		var last []byte
		c := partner(b, l, u, l.Contoso.URL, orgrel.ActionFreeBusy, nil)
		c.HTTP = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			last, _ = io.ReadAll(r.Body)
			return &http.Response{StatusCode: http.StatusTeapot, Body: io.NopCloser(strings.NewReader("")), Header: http.Header{}}, nil
		})}
		q := query(asked[0])
		q.Mailboxes = nil
		for _, a := range asked {
			q.Mailboxes = append(q.Mailboxes, query(a).Mailboxes...)
		}
		clients[i] = func() []byte {
			_, _ = c.GetUserAvailability(b.Context(), q)
			return last
		}
	}
	for i := range n {
		out = append(out, clients[i%len(clients)]())
	}
	return out
}

// BenchmarkPartnerRequest is one whole request of a partner inside of the process: from the bytes behind TLS to the
// bytes before it, with scan, token, message signature, replay key, relationship, calendars and answer. "known" comes
// with a token seen before, "fresh" with a token never seen.
func BenchmarkPartnerRequest(b *testing.B) {
	l := lab.New(b, lab.SQLite(), federation.ProfileModern)
	var asked []smtpaddr.Address
	for i := range 100 {
		asked = append(asked, l.User(b, l.Contoso, fmt.Sprintf("u%d", i), mailbox.Reviewer, busy(9, "SUMMARY:Planning"), busy(11, "SUMMARY:Review"), busy(15, "SUMMARY:Coffee")))
	}
	rita := l.User(b, l.Fabrikam, "rita", mailbox.AvailabilityOnly)
	var many []smtpaddr.Address
	for i := range 500 {
		many = append(many, smtpaddr.MustAddress(fmt.Sprintf("guest%d@fabrikam.example", i)))
	}
	handler := l.Node(b, l.Contoso).Config.Handler
	for _, c := range []struct {
		name  string
		users []smtpaddr.Address
		asked []smtpaddr.Address
	}{{"known/mailboxes=1", []smtpaddr.Address{rita}, asked[:1]}, {"known/mailboxes=100", []smtpaddr.Address{rita}, asked}, {"fresh/mailboxes=1", many, asked[:1]}} {
		b.Run(c.name, func(b *testing.B) {
			var pool [][]byte
			i := 0
			for b.Loop() {
				if i == len(pool) {
					b.StopTimer()
					if c.users[0] != rita { // a new node, which has seen no token
						handler = l.Node(b, l.Contoso).Config.Handler
					}
					pool, i = captured(b, l, c.users, c.asked, 500), 0
					b.StartTimer()
				}
				w := httptest.NewRecorder()
				r := httptest.NewRequest(http.MethodPost, "/EWS/Exchange.asmx/wssecurity", bytes.NewReader(pool[i]))
				r.Header.Set("Content-Type", "text/xml; charset=utf-8")
				handler.ServeHTTP(w, r)
				if w.Code != http.StatusOK || !bytes.Contains(w.Body.Bytes(), []byte("NoError")) {
					b.Fatal(w.Code, w.Body.String())
				}
				i++
			}
		})
	}
}
