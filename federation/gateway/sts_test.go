package gateway_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/federation/gateway"
	"github.com/availd/availd/orgrel"
)

const (
	rita    = "rita@fabrikam.example"
	contoso = "exchangedelegation.contoso.example"
)

// obo finds the assertion in OnBehalfOf.
func obo() *regexp.Regexp { return regexp.MustCompile(`(?s)<saml:Assertion .*</saml:Assertion>`) }

func TestHonestOrganizationGetsAToken(t *testing.T) {
	w := newWorld(t)
	must(t, w.ask(t, w.fabrikam, rita, contoso), w.ask(t, w.fabrikam, rita, "Exchangedelegation.CONTOSO.example/"))
	issued, err := w.store.IssuedTokens(t.Context(), "", 10)
	must(t, err)
	if len(issued) != 2 || issued[0].User != rita || issued[0].Target != contoso || issued[0].Organization != "fabrikam.example" {
		t.Errorf("the audit has %+v", issued)
	}
}

func TestTokenRequestIsRefused(t *testing.T) {
	w := newWorld(t, func(o *gateway.Options) { o.Limits.FailuresPerSource = 1000 })
	must(t, w.store.ReserveDomain(t.Context(), "fabrikam.example", domain("unproven.example")))
	valid := func() string { return w.rst(t, w.fabrikam, request(rita, contoso)) }
	as := func(change func(*federation.Trust)) string {
		trust := *w.fabrikam
		change(&trust)
		return w.rst(t, &trust, request(rita, contoso))
	}
	with := func(change func(*federation.TokenRequest)) string {
		r := request(rita, contoso)
		change(&r)
		return w.rst(t, w.fabrikam, r)
	}
	swap := func(old, new string) string {
		s := valid()
		if !strings.Contains(s, old) {
			t.Fatalf("the request has no %q", old)
		}
		return strings.Replace(s, old, new, 1)
	}
	otherAssertion := obo().FindString(w.rst(t, w.contoso, request("tom@contoso.example", contoso)))
	used := valid()
	if code, _ := w.post(t, used); code != "" {
		t.Fatalf("the first time: %s", code)
	}
	const denied, scope, malformed = "FailedAuthentication", "InvalidScope", "InvalidRequest"
	for _, c := range []struct{ story, request, code string }{
		{"T95 user of a domain that is only reserved", with(func(r *federation.TokenRequest) { r.User = address("x@unproven.example") }), denied},
		{"T95 user of another organization's domain", with(func(r *federation.TokenRequest) { r.User = address("tom@contoso.example") }), denied},
		{"T95 user of a domain below a proven one", with(func(r *federation.TokenRequest) { r.User = address("rita@sub.fabrikam.example") }), denied},
		{"T96 assertion of another organization", obo().ReplaceAllLiteralString(valid(), otherAssertion), denied},
		{"T96 unsigned assertion", regexp.MustCompile(`(?s)(<saml:Assertion .*)<ds:Signature xmlns.*</ds:Signature>(</saml:Assertion>)`).ReplaceAllString(valid(), "$1$2"), denied},
		{"T96 changed address", swap(`>rita@fabrikam.example</saml:AttributeValue>`, `>root@fabrikam.example</saml:AttributeValue>`), denied},
		{"T96 audience is another gateway", as(func(t *federation.Trust) { t.TokenIssuerUri = "urn:federation:other" }), denied},
		{"T96 replayed assertion", obo().ReplaceAllLiteralString(valid(), obo().FindString(used)), denied},
		{"T96 two assertions", strings.Replace(valid(), "</t:OnBehalfOf>", otherAssertion+"</t:OnBehalfOf>", 1), malformed},
		{"T96 no assertion", obo().ReplaceAllString(valid(), ""), malformed},
		{"T97 unknown target", with(func(r *federation.TokenRequest) { r.TargetApplicationUri = "nobody.example" }), scope},
		{"T97 target with a path", with(func(r *federation.TokenRequest) { r.TargetApplicationUri = contoso + "/x" }), scope},
		{"T97 target with two schemes", with(func(r *federation.TokenRequest) { r.TargetApplicationUri = "https://" + contoso }), scope},
		{"T97 target with the Kelvin sign", swap("http://"+contoso, "http://\u212A"+contoso), scope},
		{"T97 no target", swap("http://"+contoso, ""), scope},
		{"T99 replayed request", used, denied},
		{"T99 to another gateway", as(func(t *federation.Trust) { t.TokenIssuerEpr = "https://other.example/extSTS.srf" }), denied},
		{"T99 action that is not allowed", with(func(r *federation.TokenRequest) { r.Action = orgrel.Action("MSExchange.Everything") }), malformed},
		{"T99 key of 8 bits", swap("<t:KeySize>256<", "<t:KeySize>8<"), malformed},
		{"signed by a key that nobody registered", as(func(t *federation.Trust) { t.OrgCertificate = newKey(w) }), denied},
		{"signed by another organization's key", as(func(t *federation.Trust) { t.OrgCertificate = w.contoso.OrgCertificate }), denied},
		{"requestor is another organization", strings.Replace(valid(), "<auth:Value>exchangedelegation.fabrikam", "<auth:Value>exchangedelegation.contoso", 1), denied},
		{"changed To", regexp.MustCompile(`(<a:To [^>]*>)[^<]*`).ReplaceAllString(valid(), "${1}https://other.example/"), denied},
	} {
		if code, _ := w.post(t, c.request); code != c.code {
			t.Errorf("%s: %q and not %s", c.story, code, c.code)
		}
	}
}

func TestAllRefusalsOfAuthenticationReadTheSame(t *testing.T) {
	w := newWorld(t)
	stranger := *w.fabrikam
	stranger.OrgCertificate = newKey(w)
	_, a := w.post(t, w.rst(t, &stranger, request(rita, contoso)))
	_, b := w.post(t, w.rst(t, w.fabrikam, request("x@nothers.example", contoso)))
	must(t, w.store.SetState(t.Context(), "fabrikam.example", gateway.Disabled))
	_, c := w.post(t, w.rst(t, w.fabrikam, request(rita, contoso)))
	if a != b || b != c || !strings.Contains(a, "FailedAuthentication") {
		t.Errorf("the refusals differ:\n%s\n%s\n%s", a, b, c)
	}
}

func TestRequestIsRefusedByTime(t *testing.T) {
	w := newWorld(t)
	early := w.rst(t, w.fabrikam, request(rita, contoso))
	w.pass(11 * time.Minute)
	if code, _ := w.post(t, early); code != "ExpiredData" {
		t.Errorf("an old request: %q", code)
	}
	w.pass(time.Hour)
	late := w.rst(t, w.fabrikam, request(rita, contoso))
	w.pass(-time.Hour)
	if code, _ := w.post(t, late); code != "ExpiredData" {
		t.Errorf("a request from the future: %q", code)
	}
}

func TestAskedLifetimeIsNotGranted(t *testing.T) {
	w := newWorld(t)
	body := strings.Replace(w.rst(t, w.fabrikam, request(rita, contoso)), "<t:KeySize>", `<t:Lifetime><u:Expires xmlns:u="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd">2099-01-01T00:00:00Z</u:Expires></t:Lifetime><t:KeySize>`, 1)
	code, answer := w.post(t, body)
	want := w.clock().Add(8 * time.Hour).UTC().Format("2006-01-02T15:04:05Z")
	if code != "" || !strings.Contains(answer, "<wsu:Expires>"+want) {
		t.Errorf("%q; the answer does not expire at %s", code, want)
	}
}

func TestOrganizationMustBeApprovedOnBothSides(t *testing.T) {
	w := newWorld(t)
	must(t, w.store.SetState(t.Context(), "contoso.example", gateway.Disabled))
	if code, _ := w.post(t, w.rst(t, w.fabrikam, request(rita, contoso))); code != "InvalidScope" {
		t.Errorf("token for a disabled organization: %q", code)
	}
	must(t, w.store.SetState(t.Context(), "contoso.example", gateway.Approved), w.ask(t, w.fabrikam, rita, contoso))
}

// shortLived is a key pair that expires in 30 days, while all others have 90.
func shortLived(t *testing.T) *federation.KeyPair {
	t.Helper()
	k, err := federation.NewOrganizationCertificate(time.Now(), 30)
	must(t, err)
	return k
}

func TestNoTokenIsEncryptedToAnExpiredCertificate(t *testing.T) {
	w := newWorld(t)
	must(t, w.add(w.trustWith("short.example", shortLived(t)), "short.example"), w.ask(t, w.fabrikam, rita, "exchangedelegation.short.example"))
	w.pass(31 * 24 * time.Hour)
	if code, _ := w.post(t, w.rst(t, w.fabrikam, request(rita, "exchangedelegation.short.example"))); code != "InvalidScope" {
		t.Errorf("a token for an expired certificate: %q", code)
	}
	must(t, w.ask(t, w.fabrikam, rita, contoso))
}

func TestNoTokenIsSignedWithAnExpiredKey(t *testing.T) {
	w := newWorld(t, func(o *gateway.Options) { o.Signing = shortLived(t) })
	must(t, w.ask(t, w.fabrikam, rita, contoso))
	w.pass(31 * 24 * time.Hour)
	if code, _ := w.post(t, w.rst(t, w.fabrikam, request(rita, contoso))); code != "RequestFailed" {
		t.Errorf("a token of an expired signing key: %q", code)
	}
}

func TestTimestampThatHoldsTooLongIsRefusedBeforeAnySignature(t *testing.T) {
	w := newWorld(t)
	body := regexp.MustCompile(`<u:Expires>[^<]*`).ReplaceAllString(w.rst(t, w.fabrikam, request(rita, contoso)), "<u:Expires>"+w.clock().Add(12*time.Minute).UTC().Format("2006-01-02T15:04:05Z"))
	if code, _ := w.post(t, body); code != "ExpiredData" {
		t.Errorf("%q", code)
	}
}

func TestTargetNameIsComparedByItsBytes(t *testing.T) {
	w := newWorld(t)
	must(t, w.add(w.trustWith("kelvin.example", newKey(w)), "kelvin.example"))
	const name = "http://exchangedelegation.kelvin.example"
	body := w.rst(t, w.fabrikam, request(rita, "exchangedelegation.kelvin.example"))
	if code, _ := w.post(t, strings.Replace(body, name, "http://exchangedelegation.\u212Aelvin.example", 1)); code != "InvalidScope" {
		t.Errorf("the Kelvin sign is a K: %q", code)
	}
}

func TestAssertionCountsForItsOwnIssuerOnly(t *testing.T) {
	w := newWorld(t)
	must(t, w.store.Add(t.Context(), &gateway.Organization{Name: "Test", ApplicationUri: "test.fabrikam.example", AccountNamespace: domain("test.fabrikam.example"),
		Domains: domains("test.fabrikam.example"), Certificate: w.fabrikam.OrgCertificate.Certificate})) // two names, one certificate
	body := w.rst(t, w.fabrikam, request("x@test.fabrikam.example", contoso))
	if code, _ := w.post(t, strings.Replace(body, "<auth:Value>exchangedelegation.fabrikam", "<auth:Value>test.fabrikam", 1)); code != "FailedAuthentication" {
		t.Errorf("an assertion of another name's: %q", code)
	}
	trust := *w.fabrikam
	trust.ApplicationUri = "test.fabrikam.example"
	must(t, w.ask(t, &trust, "x@test.fabrikam.example", contoso), w.ask(t, w.fabrikam, rita, contoso))
}

func TestOrganizationMayChangeItsCertificateBeforeTheGatewayDoes(t *testing.T) {
	w := newWorld(t)
	next := newKey(w)
	must(t, w.store.NextCertificate(t.Context(), "fabrikam.example", next.Certificate))
	changed := *w.fabrikam
	changed.OrgCertificate = next
	must(t, w.ask(t, &changed, rita, contoso), w.ask(t, w.fabrikam, rita, contoso))
}

func TestBothInstancesAreApartAndTheLogSaysSo(t *testing.T) {
	w := newWorld(t)
	consumer := w.trustWith("consumer.example", newKey(w))
	must(t, w.store.Add(t.Context(), &gateway.Organization{Name: "consumer", ApplicationUri: consumer.ApplicationUri, AccountNamespace: domain("consumer.example"), Instance: "consumer",
		Domains: domains("consumer.example"), Certificate: consumer.OrgCertificate.Certificate}))
	if code, _ := w.post(t, w.rst(t, consumer, request("x@consumer.example", contoso))); code != "FailedAuthentication" {
		t.Errorf("a token for somebody of the other instance: %q", code)
	}
	if code, _ := w.post(t, w.rst(t, w.fabrikam, request(rita, consumer.ApplicationUri))); code != "InvalidScope" {
		t.Errorf("a token for an organization of the other instance: %q", code)
	}
	if log := w.log.String(); !strings.Contains(log, `is registered at instance \"consumer\" and asked at`) || !strings.Contains(log, "both organizations must use one TokenIssuerUri") {
		t.Errorf("the log does not tell the mismatch: %s", log)
	}
}

func TestBudgets(t *testing.T) {
	w := newWorld(t, func(o *gateway.Options) {
		o.Limits.TokensPerOrganization, o.Limits.FailuresPerSource = 0.2, 0.3
	})
	must(t, w.ask(t, w.fabrikam, rita, contoso), w.ask(t, w.fabrikam, rita, contoso))
	if code, _ := w.post(t, w.rst(t, w.fabrikam, request(rita, contoso))); code != "RequestFailed" {
		t.Errorf("the third request within a second: %q", code)
	}
	must(t, w.ask(t, w.contoso, "tom@contoso.example", contoso)) // the others are not disturbed
	stranger := *w.fabrikam
	stranger.OrgCertificate = newKey(w)
	for i, want := range []string{"FailedAuthentication", "FailedAuthentication", "FailedAuthentication", "RequestFailed"} {
		if code, _ := w.post(t, w.rst(t, &stranger, request(rita, contoso))); code != want {
			t.Errorf("refused request %d: %q and not %s", i+1, code, want)
		}
	}
	w.pass(5 * time.Second)
	must(t, w.ask(t, w.fabrikam, rita, contoso))
}

func TestHostileTextIsCutInTheLog(t *testing.T) {
	w := newWorld(t)
	long := strings.Repeat("x", 50000)
	w.post(t, w.rst(t, w.fabrikam, request(rita, long)))
	w.post(t, strings.Replace(w.rst(t, w.fabrikam, request(rita, contoso)), "<auth:Value>exchangedelegation", "<auth:Value>"+long, 1))
	if n := len(w.log.String()); n == 0 || n > 5000 {
		t.Errorf("two refused requests wrote %d bytes", n)
	}
}
