package partner

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

func pox(inner string) string {
	return `<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006">` + inner + `</Autodiscover>`
}

func poxAccount(inner string) string {
	return pox(`<Response xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"><User><DisplayName>Tom</DisplayName></User><Account><AccountType>email</AccountType>` + inner + `</Account></Response>`)
}

func poxURL(inside, outside string) string {
	return poxAccount(`<Action>settings</Action><Protocol><Type>EXCH</Type><ASUrl>` + inside + `</ASUrl></Protocol><Protocol><Type>EXPR</Type><ASUrl>` + outside + `</ASUrl><EwsUrl>` + outside + `</EwsUrl></Protocol>`)
}

// discoverable makes a partner whose EWS is found by POX; each call of Autodiscover is answered by what *say points to, at
// the moment it is asked.
func (w *world) discoverable(t testing.TB, domain string, say *func() string) (rel *orgrel.OrganizationRelationship, discovered, asked *atomic.Int64) {
	t.Helper()
	discovered, asked = &atomic.Int64{}, &atomic.Int64{}
	rel = w.partner(t, domain, func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "autodiscover.xml") {
			discovered.Add(1)
			user, password, _ := r.BasicAuth()
			body, _ := io.ReadAll(r.Body)
			if user != "fabrikam-lookup" || password != "canary password" || !strings.Contains(string(body), "<EMailAddress>") {
				t.Errorf("%q asks %s", user, body)
			}
			if s := (*say)(); s != "" {
				says(200, s)(rw, r)
				return
			}
			rw.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		asked.Add(1)
		body, _ := io.ReadAll(r.Body)
		says(200, answer(strings.Split(strings.Repeat(view(goodDigits)+"|", strings.Count(string(body), "<t:MailboxData>")), "|")...))(rw, r)
	})
	rel.TargetAutodiscoverEpr, rel.TargetSharingEpr = rel.TargetSharingEpr+"/autodiscover/autodiscover.xml", ""
	return rel, discovered, asked
}

func base(rel *orgrel.OrganizationRelationship) string {
	return strings.TrimSuffix(rel.TargetAutodiscoverEpr, "/autodiscover/autodiscover.xml")
}

func TestTheAnswerOfAutodiscoverServesItsDomainForAnHourAndSevenWhenItFails(t *testing.T) {
	w := newWorld(t)
	var say func() string
	rel, discovered, asked := w.discoverable(t, "contoso.example", &say)
	say = func() string { return poxURL("https://127.0.0.1:1/inside", base(rel)+"/EWS/Exchange.asmx") }
	start := w.now
	for _, step := range []struct {
		at             time.Duration
		user           string
		discovered     int64
		autodiscoverOK bool
		fails          bool
	}{
		{0, "tom", 1, true, false}, {59 * time.Minute, "ann", 1, true, false}, {61 * time.Minute, "tom", 2, true, false},
		{8 * time.Hour, "tom", 3, false, false},            // it fails: what it said 6:59 ago serves
		{8*time.Hour + 2*time.Minute, "x", 4, false, true}, // 7:01
	} {
		w.now = start.Add(step.at)
		old := say
		if !step.autodiscoverOK {
			say = func() string { return "" }
		}
		r := w.ask(t, rel, step.user+"@contoso.example")[0]
		say = old
		if (r.Err != nil) != step.fails || discovered.Load() != step.discovered {
			t.Errorf("after %s: %v, Autodiscover was asked %d times", step.at, r.Err, discovered.Load())
		}
		if step.fails && (fault.KindOf(r.Err) != fault.AutodiscoverFailed || !strings.HasPrefix(fault.As(r.Err).Text(),
			"Autodiscover failed for email address x@contoso.example with error The request failed with HTTP status 503: Service Unavailable.")) {
			t.Errorf("%v", r.Err)
		}
	}
	if asked.Load() != 4 {
		t.Errorf("EWS was asked %d times", asked.Load())
	}
}

func TestAFailureOfAutodiscoverIsRememberedForAMinuteOrUntilTheRelationshipChanges(t *testing.T) {
	w := newWorld(t)
	say := func() string { return "" }
	rel, discovered, _ := w.discoverable(t, "contoso.example", &say)
	for _, c := range []struct {
		pass   time.Duration
		change bool
		want   int64
	}{{0, false, 1}, {59 * time.Second, false, 1}, {2 * time.Second, false, 2}, {0, true, 3}} {
		w.now = w.now.Add(c.pass)
		if c.change {
			rel.WhenChanged = w.now
		}
		w.ask(t, rel, "tom@contoso.example", "ann@contoso.example")
		if discovered.Load() != c.want {
			t.Errorf("%+v: asked %d times", c, discovered.Load())
		}
	}
	list, err := w.caches.Get("autodiscover-negative")
	if err != nil {
		t.Fatal(err)
	}
	if n := list.Flush(func(key string) bool { return strings.HasPrefix(key, "contoso.example") }); n != 2 {
		t.Errorf("%d entries flushed", n)
	}
	w.ask(t, rel, "tom@contoso.example")
	if discovered.Load() != 4 {
		t.Error("the flushed failure is remembered")
	}
}

func TestAnUnknownUserDoesNotSpoilTheDomain(t *testing.T) {
	w := newWorld(t)
	var say func() string
	rel, discovered, asked := w.discoverable(t, "contoso.example", &say)
	n := 0
	say = func() string {
		if n++; n == 1 {
			return pox(`<Response><Error Time="09:00:00.0000000" Id="1"><ErrorCode>500</ErrorCode><Message>The e-mail address cannot be found.</Message><DebugData/></Error></Response>`)
		}
		return poxURL("", base(rel)+"/EWS/Exchange.asmx")
	}
	r := w.ask(t, rel, "nobody@contoso.example", "tom@contoso.example")
	if fault.KindOf(r[0].Err) != fault.AutodiscoverFailed || !strings.Contains(fault.As(r[0].Err).Text(), "cannot be found") || r[1].Err != nil || discovered.Load() != 2 || asked.Load() != 1 {
		t.Errorf("%v, %d, %d", r, discovered.Load(), asked.Load())
	}
	var many []string
	for i := range 50 {
		many = append(many, fmt.Sprintf("nobody%d@other.example", i))
	}
	rel.DomainNames = append(rel.DomainNames, smtpaddr.MustDomain("other.example"))
	say = func() string { return pox(`<Response><Error><ErrorCode>500</ErrorCode></Error></Response>`) }
	before := discovered.Load()
	w.ask(t, rel, many...)
	if n := discovered.Load() - before; n != maxUnknown {
		t.Errorf("a request with 50 unknown users asks Autodiscover %d times", n)
	}
}

func TestAMovedMailboxIsAskedForByTheRelationshipOfItsNewDomain(t *testing.T) {
	w := newWorld(t)
	var oldSays, newSays func() string
	old, _, oldAsked := w.discoverable(t, "contoso.example", &oldSays)
	other, _, newAsked := w.discoverable(t, "tailspin.example", &newSays)
	oldSays = func() string {
		return poxAccount(`<Action>redirectAddr</Action><RedirectAddr>tom@tailspin.example</RedirectAddr>`)
	}
	newSays = func() string { return poxURL("", base(other)+"/EWS/Exchange.asmx") }
	if r := w.ask(t, old, "tom@contoso.example")[0]; r.Err != nil || oldAsked.Load() != 0 || newAsked.Load() != 1 {
		t.Errorf("%+v, %d, %d", r, oldAsked.Load(), newAsked.Load())
	}
	other.Enabled = false
	if r := w.ask(t, old, "tom@contoso.example")[0]; fault.KindOf(r.Err) != fault.RelationshipUnusable {
		t.Errorf("disabled: %v", r.Err)
	}
	other.Enabled = true
	newSays = func() string {
		return poxAccount(`<Action>redirectAddr</Action><RedirectAddr>tom@contoso.example</RedirectAddr>`)
	}
	_ = w.caches.Flush()
	if r := w.ask(t, old, "tom@contoso.example")[0]; fault.KindOf(r.Err) != fault.AutodiscoverFailed || !strings.Contains(r.Err.Error(), "moved more than 3 times") {
		t.Errorf("in a circle: %v", r.Err)
	}
	oldSays = func() string {
		return poxAccount(`<Action>redirectAddr</Action><RedirectAddr>tom@stranger.example</RedirectAddr>`)
	}
	_ = w.caches.Flush()
	if r := w.ask(t, old, "tom@contoso.example")[0]; fault.KindOf(r.Err) != fault.AddressSpaceNotFound {
		t.Errorf("to a stranger: %v", r.Err)
	}
}

func TestAMailboxThatThePartnerWouldForwardIsLookedUpForItself(t *testing.T) {
	w := newWorld(t)
	var say, otherSays func() string
	other, _, _ := w.discoverable(t, "tailspin.example", &otherSays)
	otherSays = func() string { return poxURL("", base(other)+"/EWS/Exchange.asmx") }
	refuses := `<m:FreeBusyResponse><m:ResponseMessage ResponseClass="Error"><m:MessageText>no</m:MessageText><m:ResponseCode>ErrorProxyRequestNotAllowed</m:ResponseCode></m:ResponseMessage></m:FreeBusyResponse>`
	rel, _, _ := w.discoverable(t, "contoso.example", &say)
	ews := httptest.NewUnstartedServer(says(200, answer(refuses)))
	ews.Config.ErrorLog = log.New(io.Discard, "", 0)
	ews.StartTLS()
	defer ews.Close()
	say = func() string { return poxURL("", ews.URL) }
	if r := w.ask(t, rel, "tom@contoso.example")[0]; fault.KindOf(r.Err) != fault.ProxyRequestNotAllowed {
		t.Errorf("where Autodiscover knows no better, the refusal stands: %v", r.Err)
	}
	say = func() string {
		return poxAccount(`<Action>redirectAddr</Action><RedirectAddr>tom@tailspin.example</RedirectAddr>`)
	}
	if r := w.ask(t, rel, "tom@contoso.example")[0]; r.Err != nil {
		t.Errorf("%v", r.Err)
	}
}

func TestOnlyTheExactDomainIsLookedUp(t *testing.T) {
	w := newWorld(t)
	var mu sync.Mutex
	names := map[string]bool{}
	w.o.Clients = &Clients{Resolver: nameServer(t, func(name string) {
		mu.Lock()
		defer mu.Unlock()
		names[strings.ToLower(name)] = true
	}, "127.0.0.2")}
	rel := &orgrel.OrganizationRelationship{ID: "1", Name: "1", DomainNames: []smtpaddr.Domain{smtpaddr.MustDomain("eu.contoso.example")}, Enabled: true, FreeBusyAccessEnabled: true,
		AccessMethod: orgrel.OrgWideFB, OrgWideUser: "x", OrgWidePassword: "x"}
	if r := w.ask(t, rel, "tom@eu.contoso.example")[0]; fault.KindOf(r.Err) != fault.AutodiscoverFailed {
		t.Errorf("%v", r.Err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(names) != 1 || !names["autodiscover.eu.contoso.example."] {
		t.Errorf("looked up %v", names)
	}
}

func TestRedirectsOfAutodiscoverStayWithThePartner(t *testing.T) {
	rel := &orgrel.OrganizationRelationship{DomainNames: []smtpaddr.Domain{smtpaddr.MustDomain("contoso.example"), smtpaddr.MustDomain("hosted.test")}}
	const from = "https://autodiscover.contoso.example/autodiscover/autodiscover.svc/wssecurity"
	for to, ok := range map[string]bool{
		"https://mail.contoso.example/autodiscover/autodiscover.svc": true, "https://contoso.example/x": true, "https://CAS.hosted.test/x": true,
		"http://mail.contoso.example/x": false, "https://evil.example/x": false, "https://contoso.example.evil.test/x": false, "https://evilcontoso.example/x": false,
		"https://user:secret@mail.contoso.example/x": false, "//mail.contoso.example/x": false, "ftp://mail.contoso.example": false, "": false, "https://example/": false,
	} {
		if err := follow(rel, from, to); (err == nil) != ok {
			t.Errorf("%s: %v", to, err)
		}
	}
}

func TestCredentialsFollowNoMoreThanThreeRedirectsAndNeverAway(t *testing.T) {
	w := newWorld(t)
	var say func() string
	rel, discovered, _ := w.discoverable(t, "contoso.example", &say)
	say = func() string {
		return poxAccount(`<Action>redirectUrl</Action><RedirectUrl>` + base(rel) + `/again/autodiscover.xml</RedirectUrl>`)
	}
	if r := w.ask(t, rel, "tom@contoso.example")[0]; fault.KindOf(r.Err) != fault.AutodiscoverFailed || discovered.Load() != 1+maxRedirects {
		t.Errorf("%v after %d calls", r.Err, discovered.Load())
	}
	var reached atomic.Bool
	evil := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	defer evil.Close()
	_ = w.caches.Flush()
	say = func() string {
		return poxAccount(`<Action>redirectUrl</Action><RedirectUrl>` + strings.Replace(evil.URL, "127.0.0.1", "evil.test", 1) + `/autodiscover.xml</RedirectUrl>`)
	}
	if r := w.ask(t, rel, "tom@contoso.example")[0]; !strings.Contains(fault.As(r.Err).Text(), "leads away from the partner") || reached.Load() {
		t.Errorf("%v, reached: %v", r.Err, reached.Load())
	}
}
