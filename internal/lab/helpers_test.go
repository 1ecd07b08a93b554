package lab_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/ews"
	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/lab"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// onEachStore runs a test in a new lab on each kind of store.
func onEachStore(t *testing.T, test func(t *testing.T, l *lab.Lab)) {
	t.Parallel()
	for _, kind := range lab.Stores() {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			test(t, lab.New(t, kind, federation.ProfileModern))
		})
	}
}

func must(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// nextMonday lies within every horizon.
func nextMonday() time.Time {
	n := time.Now().UTC().Truncate(24 * time.Hour)
	return n.AddDate(0, 0, 7-(int(n.Weekday())+6)%7)
}

func busy(hour int, extra ...string) string {
	return strings.Join(append([]string{"DTSTART:" + nextMonday().Add(time.Duration(hour)*time.Hour).Format("20060102T150405Z"), "DURATION:PT1H"}, extra...), "\r\n")
}

const mailboxData = "<t:MailboxData><t:Email><t:Address>%s</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType></t:MailboxData>"

// payload asks for nextMonday in UTC, in slots of an hour.
func payload(view string, addresses ...string) string {
	var boxes strings.Builder
	for _, a := range addresses {
		fmt.Fprintf(&boxes, mailboxData, a)
	}
	none := "<t:Bias>0</t:Bias><t:Time>00:00:00</t:Time><t:DayOrder>0</t:DayOrder><t:Month>0</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek>"
	from := nextMonday()
	return `<m:GetUserAvailabilityRequest xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"><t:TimeZone><t:Bias>0</t:Bias><t:StandardTime>` +
		none + "</t:StandardTime><t:DaylightTime>" + none + "</t:DaylightTime></t:TimeZone><m:MailboxDataArray>" + boxes.String() + "</m:MailboxDataArray><t:FreeBusyViewOptions><t:TimeWindow><t:StartTime>" +
		from.Format("2006-01-02T15:04:05") + "</t:StartTime><t:EndTime>" + from.AddDate(0, 0, 1).Format("2006-01-02T15:04:05") + "</t:EndTime></t:TimeWindow><t:MergedFreeBusyIntervalInMinutes>60</t:MergedFreeBusyIntervalInMinutes><t:RequestedView>" +
		view + "</t:RequestedView></t:FreeBusyViewOptions></m:GetUserAvailabilityRequest>"
}

// request is payload in an envelope without headers, as own users send it.
func request(view string, addresses ...string) string {
	return string(soap.Append(nil, soap.V11, "", nil, []byte(payload(view, addresses...))))
}

// post asks a node as an own user and returns status and body.
func post(t testing.TB, l *lab.Lab, url, user, password, body string) (int, string) {
	t.Helper()
	header := http.Header{"Content-Type": {"text/xml; charset=utf-8"}}
	if user != "" {
		r := http.Request{Header: header}
		r.SetBasicAuth(user, password)
	}
	status, _, answer := send(t, l, http.MethodPost, url+"/ews/exchange.asmx", header, body)
	return status, answer
}

// send makes one HTTP request.
func send(t testing.TB, l *lab.Lab, method, url string, header http.Header, body string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	must(t, err)
	req.Header = header
	resp, err := l.Client.Do(req)
	must(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	must(t, err)
	return resp.StatusCode, resp.Header, string(b)
}

// answers collects what was answered, to check all of it against the official schema in one process.
type answers struct {
	dir   string
	files []string
}

func (a *answers) add(t testing.TB, body string) {
	t.Helper()
	if a.dir == "" {
		a.dir = t.TempDir()
	}
	a.files = append(a.files, filepath.Join(a.dir, fmt.Sprintf("%d.xml", len(a.files))))
	must(t, os.WriteFile(a.files[len(a.files)-1], []byte(body), 0o600))
}

// valid checks them where the schema is at hand.
func (a *answers) valid(t testing.TB) {
	t.Helper()
	dir := os.Getenv("EWS_XSD_DIR")
	if dir == "" || len(a.files) == 0 {
		return
	}
	args := append([]string{"--noout", "--nonet", "--schema", filepath.Join(dir, "validate.xsd")}, a.files...)
	if out, err := exec.CommandContext(t.Context(), "xmllint", args...).CombinedOutput(); err != nil {
		t.Errorf("answers are not valid: %v\n%.4000s", err, out)
	}
}

func valid(t testing.TB, body string) {
	t.Helper()
	var a answers
	a.add(t, body)
	a.valid(t)
}

func contains(t testing.TB, body string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(body, w) {
			t.Errorf("%q is missing in %s", w, body)
		}
	}
}

// settle waits for the second within which every node has heard of a change: it is the promise itself.
func settle() { time.Sleep(1100 * time.Millisecond) }

func relationship(t testing.TB, st store.Store) *orgrel.OrganizationRelationship {
	t.Helper()
	cfg, err := st.LoadConfig(t.Context())
	must(t, err)
	return cfg.Relationships[0]
}

func put(t testing.TB, st store.Store, r *orgrel.OrganizationRelationship) {
	t.Helper()
	must(t, st.PutRelationship(t.Context(), r))
	settle()
}

func query(a smtpaddr.Address) availability.Query {
	return availability.Query{Mailboxes: []availability.Attendee{{Raw: a.String(), Address: a}}, View: availability.FreeBusyMerged, MergedInterval: time.Hour,
		Window: availability.Window{Start: nextMonday(), End: nextMonday().AddDate(0, 0, 1)}}
}

type staticTrust struct{ o *lab.Organization }

func (s staticTrust) FederationTrust(context.Context) (*federation.Trust, error) {
	return s.o.Trust, nil
}

func (s staticTrust) Organization(context.Context) (*federation.Organization, error) {
	return s.o.Federated(), nil
}

type roundTrip func(r *http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// token asks the gateway for a token by which Fabrikam's user speaks to target.
func token(t testing.TB, l *lab.Lab, user smtpaddr.Address, target string, action orgrel.Action) *federation.DelegationToken {
	t.Helper()
	c := &federation.Client{Trusts: staticTrust{l.Fabrikam}, Now: time.Now, HTTP: func(*federation.Trust) (*http.Client, error) { return l.Client, nil }}
	tok, err := c.DelegationToken(t.Context(), federation.TokenRequest{User: user, TargetApplicationUri: target, Action: action})
	must(t, err)
	return tok
}

// caller is a partner's user with a token of the gateway who sees every byte that the target answers.
type caller struct {
	l     *lab.Lab
	token *federation.DelegationToken
	skew  time.Duration // of the partner's clock
}

func newCaller(t testing.TB, l *lab.Lab, user smtpaddr.Address) *caller {
	t.Helper()
	return &caller{l: l, token: token(t, l, user, l.Contoso.Trust.ApplicationUri, orgrel.ActionFreeBusy)}
}

func (c *caller) post(t testing.TB, url, body string) (int, string) {
	t.Helper()
	url += "/EWS/Exchange.asmx/wssecurity"
	headers, err := c.token.Headers(url, "http://schemas.microsoft.com/exchange/services/2006/messages/GetUserAvailability", time.Now().Add(c.skew))
	must(t, err)
	status, _, answer := send(t, c.l, http.MethodPost, url, http.Header{"Content-Type": {"text/xml; charset=utf-8"}}, string(soap.Append(nil, soap.V11, "", headers, []byte(body))))
	return status, answer
}

// partner speaks to a node of Contoso as Fabrikam's user, with a real token; edit may change the message on its way.
func partner(t testing.TB, l *lab.Lab, user smtpaddr.Address, url string, action orgrel.Action, edit func(string) string) *ews.Client {
	t.Helper()
	tok := token(t, l, user, l.Contoso.Trust.ApplicationUri, action)
	transport := roundTrip(func(r *http.Request) (*http.Response, error) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		message := string(b)
		if edit != nil {
			message = edit(message)
			if message == string(b) {
				t.Error("the edit changed nothing")
			}
		}
		r2, err := http.NewRequestWithContext(r.Context(), r.Method, r.URL.String(), strings.NewReader(message))
		if err != nil {
			return nil, err
		}
		r2.Header = r.Header
		return l.Client.Transport.RoundTrip(r2)
	})
	return &ews.Client{URL: url + "/EWS/Exchange.asmx/wssecurity", HTTP: &http.Client{Transport: transport},
		Header: func(_ context.Context, to, action string) ([]byte, error) {
			return tok.Headers(to, action, time.Now())
		}}
}
