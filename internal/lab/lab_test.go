package lab_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/ews"
	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/lab"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// nextMonday lies within every horizon.
func nextMonday() time.Time {
	n := time.Now().UTC().Truncate(24 * time.Hour)
	return n.AddDate(0, 0, 7-(int(n.Weekday())+6)%7)
}

func busy(hour int, extra ...string) string {
	return strings.Join(append([]string{"DTSTART:" + nextMonday().Add(time.Duration(hour)*time.Hour).Format("20060102T150405Z"), "DURATION:PT1H"}, extra...), "\r\n")
}

const mailboxData = "<t:MailboxData><t:Email><t:Address>%s</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType></t:MailboxData>"

func request(view string, addresses ...string) string {
	var boxes strings.Builder
	for _, a := range addresses {
		fmt.Fprintf(&boxes, mailboxData, a)
	}
	none := "<t:Bias>0</t:Bias><t:Time>00:00:00</t:Time><t:DayOrder>0</t:DayOrder><t:Month>0</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek>"
	from := nextMonday()
	return `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"><s:Body><m:GetUserAvailabilityRequest><t:TimeZone><t:Bias>0</t:Bias><t:StandardTime>` +
		none + "</t:StandardTime><t:DaylightTime>" + none + "</t:DaylightTime></t:TimeZone><m:MailboxDataArray>" + boxes.String() + "</m:MailboxDataArray><t:FreeBusyViewOptions><t:TimeWindow><t:StartTime>" +
		from.Format("2006-01-02T15:04:05") + "</t:StartTime><t:EndTime>" + from.AddDate(0, 0, 1).Format("2006-01-02T15:04:05") + "</t:EndTime></t:TimeWindow><t:MergedFreeBusyIntervalInMinutes>60</t:MergedFreeBusyIntervalInMinutes><t:RequestedView>" +
		view + "</t:RequestedView></t:FreeBusyViewOptions></m:GetUserAvailabilityRequest></s:Body></s:Envelope>"
}

// post asks a node as an own user and returns status and body.
func post(t testing.TB, l *lab.Lab, url, user, password, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/ews/exchange.asmx", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "text/xml; charset=utf-8")
	if user != "" {
		req.SetBasicAuth(user, password)
	}
	resp, err := l.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// valid checks an answer against the official schema, where it is at hand.
func valid(t testing.TB, body string) {
	t.Helper()
	dir := os.Getenv("EWS_XSD_DIR")
	if dir == "" {
		return
	}
	cmd := exec.CommandContext(t.Context(), "xmllint", "--noout", "--nonet", "--schema", filepath.Join(dir, "validate.xsd"), "-")
	cmd.Stdin = strings.NewReader(body)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("the answer is not valid: %s\n%s", out, body)
	}
}

func contains(t testing.TB, body string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(body, w) {
			t.Errorf("%q is missing in %s", w, body)
		}
	}
}

// settle waits until every node has heard of a change.
func settle() { time.Sleep(1100 * time.Millisecond) }

func TestFederatedLookupInBothProfiles(t *testing.T) {
	for _, profile := range []federation.Profile{federation.ProfileModern, federation.ProfileExchange} {
		l := lab.New(t, profile)
		tom := l.User(t, l.Contoso, "tom", mailbox.Reviewer, busy(9, "SUMMARY:Planning", "LOCATION:Room 1"), busy(11, "SUMMARY:secret", "CLASS:PRIVATE"))
		rita := l.User(t, l.Fabrikam, "rita", mailbox.AvailabilityOnly, busy(9))
		settle()
		for range 2 { // the second time with cached tokens
			status, body := post(t, l, l.Fabrikam.URL, rita.String(), lab.Password, request("DetailedMerged", tom.String(), rita.String(), "nobody@contoso.example", "x@unknown.example", "bad address"))
			if status != http.StatusOK {
				t.Fatalf("%s: HTTP %d: %s", profile, status, body)
			}
			valid(t, body)
			contains(t, body, "<t:MergedFreeBusy>000000000202000000000000</t:MergedFreeBusy>", "<t:Subject>Planning</t:Subject>", "ErrorNoFreeBusyAccess", "ErrorAddressSpaceNotFound", "ErrorInvalidSmtpAddress")
			if strings.Contains(body, "secret") {
				t.Error("the subject of a private item is shown")
			}
		}
	}
}

func relationship(t testing.TB, st store.Store) *orgrel.OrganizationRelationship {
	t.Helper()
	cfg, err := st.LoadConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return cfg.Relationships[0]
}

func put(t testing.TB, st store.Store, r *orgrel.OrganizationRelationship) {
	t.Helper()
	if err := st.PutRelationship(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	settle()
}

func TestCanariesStayWhereTheyMay(t *testing.T) {
	l := lab.New(t, federation.ProfileModern)
	rita := l.User(t, l.Fabrikam, "rita", mailbox.AvailabilityOnly)
	group, inner := smtpaddr.MustAddress("visible@contoso.example"), smtpaddr.MustAddress("inner@contoso.example")
	users := map[mailbox.Permission][2]smtpaddr.Address{}
	var members []smtpaddr.Address
	for _, p := range []mailbox.Permission{mailbox.PermissionNone, mailbox.AvailabilityOnly, mailbox.LimitedDetails, mailbox.Reviewer} {
		events := []string{busy(9, "SUMMARY:canary-subject", "LOCATION:canary-place"), busy(11, "SUMMARY:canary-private", "LOCATION:canary-private", "CLASS:PRIVATE")}
		users[p] = [2]smtpaddr.Address{l.User(t, l.Contoso, "in-"+strings.ToLower(p.String()), p, events...), l.User(t, l.Contoso, "out-"+strings.ToLower(p.String()), p, events...)}
		members = append(members, users[p][0])
	}
	for _, g := range []*mailbox.Group{{Address: inner, Members: members}, {Address: group, Members: []smtpaddr.Address{inner}}} {
		if err := l.Contoso.Store.PutGroup(t.Context(), g); err != nil {
			t.Fatal(err)
		}
	}
	rel := relationship(t, l.Contoso.Store)
	rel.FreeBusyAccessScope = group
	for _, level := range []orgrel.AccessLevel{orgrel.None, orgrel.AvailabilityOnly, orgrel.LimitedDetails} {
		rel.FreeBusyAccessLevel = level
		put(t, l.Contoso.Store, rel)
		for perm, pair := range users {
			for i, who := range pair {
				for _, view := range []string{"MergedOnly", "FreeBusy", "FreeBusyMerged", "Detailed", "DetailedMerged"} {
					_, body := post(t, l, l.Fabrikam.URL, rita.String(), lab.Password, request(view, who.String()))
					name := fmt.Sprintf("%s %s out=%d %s", level, perm, i, view)
					granted := min(level, availability.Contributes(perm))
					if i == 1 {
						granted = orgrel.None
					}
					details := granted == orgrel.LimitedDetails && strings.HasPrefix(view, "Detailed")
					if strings.Contains(body, "canary-subject") != details || strings.Contains(body, "canary-place") != details {
						t.Errorf("%s: %s", name, body)
					}
					if strings.Contains(body, "canary-private") || strings.Contains(body, "<t:ID>") {
						t.Errorf("%s shows a private item or an id", name)
					}
					if (granted == orgrel.None) != strings.Contains(body, "ErrorNoFreeBusyAccess") {
						t.Errorf("%s: %s", name, body)
					}
				}
			}
		}
	}
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
	return &federation.Organization{Enabled: true}, nil
}

type roundTrip func(r *http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// partner speaks to a node of Contoso as Fabrikam's user, with a real token; edit may change the message on its way.
func partner(t testing.TB, l *lab.Lab, user smtpaddr.Address, url string, action orgrel.Action, edit func(string) string) *ews.Client {
	t.Helper()
	c := &federation.Client{Trusts: staticTrust{l.Fabrikam}, Now: time.Now, HTTP: func(*federation.Trust) (*http.Client, error) { return l.Client, nil }}
	token, err := c.DelegationToken(t.Context(), federation.TokenRequest{User: user, TargetApplicationUri: l.Contoso.Trust.ApplicationUri, Action: action})
	if err != nil {
		t.Fatal(err)
	}
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
			return token.Headers(to, action, time.Now())
		}}
}

func TestDisabledRelationshipServesNothingASecondLaterOnEveryNode(t *testing.T) {
	l := lab.New(t, federation.ProfileModern)
	tom := l.User(t, l.Contoso, "tom", mailbox.Reviewer, busy(9))
	rita := l.User(t, l.Fabrikam, "rita", mailbox.AvailabilityOnly)
	second := l.Node(t, l.Contoso)
	settle()
	nodes := map[string]*ews.Client{}
	for _, url := range []string{l.Contoso.URL, second.URL} {
		nodes[url] = partner(t, l, rita, url, orgrel.ActionFreeBusy, nil)
		if r, err := nodes[url].GetUserAvailability(t.Context(), query(tom)); err != nil || r[0].Err != nil {
			t.Fatal(err, r)
		}
	}
	rel := relationship(t, l.Contoso.Store)
	rel.Enabled = false
	put(t, l.Contoso.Store, rel)
	for url, c := range nodes {
		if r, err := c.GetUserAvailability(t.Context(), query(tom)); err != nil || r[0].Err == nil {
			t.Errorf("%s still serves: %v %v", url, r, err)
		}
	}
}

func TestTokenForAutodiscoverOpensNoCalendar(t *testing.T) {
	l := lab.New(t, federation.ProfileModern)
	tom := l.User(t, l.Contoso, "tom", mailbox.Reviewer, busy(9))
	rita := l.User(t, l.Fabrikam, "rita", mailbox.AvailabilityOnly)
	settle()
	r, err := partner(t, l, rita, l.Contoso.URL, orgrel.ActionAutodiscover, nil).GetUserAvailability(t.Context(), query(tom))
	if err != nil || r[0].Err == nil || !strings.Contains(r[0].Err.Error(), "no_free_busy_access") {
		t.Errorf("%v %v", r, err)
	}
}

func TestReplayedMessageIsAnsweredOnceOnAllNodes(t *testing.T) {
	l := lab.New(t, federation.ProfileModern)
	tom := l.User(t, l.Contoso, "tom", mailbox.Reviewer, busy(9))
	rita := l.User(t, l.Fabrikam, "rita", mailbox.AvailabilityOnly)
	second := l.Node(t, l.Contoso)
	settle()
	var captured string
	c := partner(t, l, rita, l.Contoso.URL, orgrel.ActionFreeBusy, func(s string) string { captured = s; return "" })
	if _, err := c.GetUserAvailability(t.Context(), query(tom)); err == nil {
		t.Fatal("an empty message is answered")
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	answered, refused := 0, 0
	for i := range 20 {
		url := []string{l.Contoso.URL, second.URL}[i%2]
		wg.Go(func() {
			req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url+"/EWS/Exchange.asmx/wssecurity", strings.NewReader(captured))
			if err != nil {
				t.Error(err)
				return
			}
			req.Header.Set("Content-Type", "text/xml; charset=utf-8")
			resp, err := l.Client.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			body, _ := io.ReadAll(resp.Body)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case resp.StatusCode == http.StatusOK && bytes.Contains(body, []byte("NoError")):
				answered++
			case resp.StatusCode == http.StatusInternalServerError && bytes.Contains(body, []byte("An error occurred when verifying security for the message.")):
				refused++
			}
		})
	}
	wg.Wait()
	if answered != 1 || refused != 19 {
		t.Errorf("%d answered, %d refused", answered, refused)
	}
}

func cut(s, from, to string) string {
	i, j := strings.Index(s, from), strings.Index(s, to)
	if i < 0 || j < 0 {
		return s
	}
	return s[:i] + s[j+len(to):]
}

// flipAt changes one character some way behind the nth occurrence of mark.
func flipAt(mark string, last bool, offset int) func(string) string {
	return func(s string) string {
		i := strings.Index(s, mark)
		if last {
			i = strings.LastIndex(s, mark)
		}
		i += offset
		c := "A"
		if s[i] == 'A' {
			c = "B"
		}
		return s[:i] + c + s[i+1:]
	}
}

func replace(from, to string) func(string) string {
	return func(s string) string { return strings.Replace(s, from, to, 1) }
}

func without(from, to string) func(string) string {
	return func(s string) string { return cut(s, from, to) }
}

func TestTamperedMessagesAreRefusedAlike(t *testing.T) {
	l := lab.New(t, federation.ProfileModern)
	tom := l.User(t, l.Contoso, "tom", mailbox.Reviewer, busy(9))
	rita := l.User(t, l.Fabrikam, "rita", mailbox.AvailabilityOnly)
	settle()
	for name, c := range map[string]struct {
		edit func(string) string
		want string
	}{
		"no Security":          {without("<o:Security", "</o:Security>"), "InvalidSecurity"},
		"no signature":         {without("<Signature", "</Signature>"), "InvalidSecurity"},
		"no timestamp":         {without("<u:Timestamp", "</u:Timestamp>"), "InvalidSecurity"},
		"other To":             {replace("Exchange.asmx/wssecurity</a:To>", "exchange.asmx/wssecurity</a:To>"), "InvalidSecurity"},
		"token flipped":        {flipAt("<CipherValue>", true, 200), "InvalidSecurityToken"},
		"key flipped":          {flipAt("<CipherValue>", false, 60), "InvalidSecurityToken"},
		"HMACOutputLength":     {replace("hmac-sha256\"></SignatureMethod>", "hmac-sha256\"><HMACOutputLength>8</HMACOutputLength></SignatureMethod>"), "InvalidSecurity"},
		"two Security headers": {replace("<o:Security", `<o:Security xmlns:o="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"></o:Security><o:Security`), "InvalidSecurity"},
	} {
		_, err := partner(t, l, rita, l.Contoso.URL, orgrel.ActionFreeBusy, c.edit).GetUserAvailability(t.Context(), query(tom))
		if f, ok := errors.AsType[*ews.Error](err); !ok || f.Code != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOwnUsersAndBadInput(t *testing.T) {
	l := lab.New(t, federation.ProfileModern)
	tom := l.User(t, l.Contoso, "tom", mailbox.Reviewer, busy(9))
	anna := l.User(t, l.Contoso, "anna", mailbox.PermissionNone, busy(10, "SUMMARY:mine"))
	settle()
	good := request("Detailed", anna.String(), tom.String(), "nobody@contoso.example")
	if status, _ := post(t, l, l.Contoso.URL, "", "", good); status != http.StatusUnauthorized {
		t.Errorf("without credentials: HTTP %d", status)
	}
	if status, _ := post(t, l, l.Contoso.URL, anna.String(), "wrong password", good); status != http.StatusUnauthorized {
		t.Errorf("wrong password: HTTP %d", status)
	}
	_, body := post(t, l, l.Contoso.URL, anna.String(), lab.Password, good)
	valid(t, body)
	contains(t, body, "<t:Subject>mine</t:Subject>", "ErrorMailRecipientNotFound", "ServerVersionInfo")
	_, body = post(t, l, l.Contoso.URL, tom.String(), lab.Password, request("Detailed", anna.String()))
	contains(t, body, "ErrorNoFreeBusyAccess")
	end := nextMonday().AddDate(0, 0, 1).Format("2006-01-02")
	header := func(h string) func(string) string { return replace("<s:Body>", "<s:Header>"+h+"</s:Header><s:Body>") }
	for name, c := range map[string]struct {
		edit func(string) string
		want string
	}{
		"not XML":         {func(string) string { return "nonsense" }, "ErrorSchemaValidation"},
		"DOCTYPE":         {func(s string) string { return `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>` + s }, "ErrorSchemaValidation"},
		"reversed window": {replace(end, "2001-01-01"), "ErrorInvalidTimeInterval"},
		"huge window":     {replace(end, "9998-01-01"), "ErrorTimeIntervalTooBig"},
		"30 February":     {replace(nextMonday().Format("2006-01-02"), "2026-02-30"), "ErrorSchemaValidation"},
		"interval":        {replace(">60<", ">4<"), "ErrorInvalidMergedFreeBusyInterval"},
		"unknown view":    {replace("Detailed</t:RequestedView>", "All</t:RequestedView>"), "ErrorSchemaValidation"},
		"month 13":        {replace("<t:Month>0<", "<t:Month>13<"), "ErrorTimeZone"},
		"other operation": {func(s string) string { return strings.ReplaceAll(s, "GetUserAvailabilityRequest", "FindItem") }, "ErrorInvalidOperation"},
		"zone incomplete": {without("<t:DaylightTime>", "</t:DaylightTime>"), "ErrorSchemaValidation"},
		"zone-less times": {without("<t:TimeZone>", "</t:TimeZone>"), "ErrorTimeZone"},
		"too many":        {replace("<m:MailboxDataArray>", "<m:MailboxDataArray>"+strings.Repeat(fmt.Sprintf(mailboxData, "a@contoso.example"), 100)), "ErrorMailboxDataArrayTooBig"},
		"must understand": {header(`<x:y xmlns:x="urn:x" s:mustUnderstand="1"/>`), "MustUnderstand"},
		"impersonation":   {header(`<t:ExchangeImpersonation/>`), "ErrorAccessDenied"},
		"unknown version": {header(`<t:RequestServerVersion Version="Exchange1996"/>`), "ErrorInvalidServerVersion"},
	} {
		status, body := post(t, l, l.Contoso.URL, tom.String(), lab.Password, c.edit(good))
		if status != http.StatusInternalServerError || !strings.Contains(body, c.want) {
			t.Errorf("%s: HTTP %d %s", name, status, body)
		}
	}
	if status, body := post(t, l, l.Contoso.URL, tom.String(), lab.Password, good); status != http.StatusOK {
		t.Errorf("after all that: HTTP %d %s", status, body)
	}
}
