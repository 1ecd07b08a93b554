package autodiscover_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/autodiscover"
	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/lab"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// published asks a node of the lab and returns the answer with its body.
func published(t testing.TB, l *lab.Lab, method, url, user, body string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "text/xml; charset=utf-8")
	if user != "" {
		req.SetBasicAuth(user, lab.Password)
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
	return resp, string(b)
}

func TestEndpointsAnswerAsClientsProbeThem(t *testing.T) {
	l := lab.New(t, lab.SQLite(), federation.ProfileModern)
	tom := l.User(t, l.Contoso, "tom", mailbox.AvailabilityOnly)
	time.Sleep(1100 * time.Millisecond) // the node hears of the settings
	user := golden(t, "getusersettings/own-exchangelib.request.xml")
	for name, c := range map[string]struct {
		method, path, user, body string
		code                     int
		want                     string
	}{
		"probe for headers":             {"GET", "/autodiscover/autodiscover.xml", "", "", 401, ""},
		"probe in capitals":             {"GET", "/Autodiscover/Autodiscover.XML", "", "", 401, ""},
		"browser":                       {"GET", "/Autodiscover/Autodiscover.svc/", "", "", 200, "Federation: enabled"},
		"browser at wssecurity":         {"GET", "/autodiscover/autodiscover.svc/WSSecurity", "", "", 400, "WS-Security"},
		"description":                   {"GET", "/autodiscover/autodiscover.svc?wsdl", "", "", 200, "DefaultBinding_Autodiscover"},
		"bare post for the challenge":   {"POST", "/autodiscover/autodiscover.svc", "", "", 401, ""},
		"settings without credentials":  {"POST", "/autodiscover/autodiscover.svc", "", user, 401, ""},
		"settings with credentials":     {"POST", "/autodiscover/autodiscover.svc", tom.String(), user, 200, "<Name>UserDN</Name>"},
		"settings without a token":      {"POST", "/autodiscover/autodiscover.svc/wssecurity", tom.String(), user, 500, "An error occurred when verifying security for the message."},
		"federation without a token":    {"POST", "/autodiscover/autodiscover.svc/wssecurity", "", fedRequest, 500, "An error occurred when verifying security for the message."},
		"federation information":        {"POST", "/autodiscover/autodiscover.svc", "", fedRequest, 200, "<ApplicationUri>exchangedelegation.contoso.example</ApplicationUri>"},
		"partner-token endpoint":        {"POST", "/autodiscover/autodiscover.svc/wssecurity/symmetrickey", "", user, 404, ""},
		"certificate endpoint":          {"POST", "/autodiscover/autodiscover.svc/wssecurity/x509cert", "", user, 404, ""},
		"POX":                           {"POST", "/Autodiscover/Autodiscover.xml", tom.String(), fmt.Sprintf(poxRequest, tom, poxOutlook), 200, "<ASUrl>https://"},
		"POX without credentials":       {"POST", "/Autodiscover/Autodiscover.xml", "", fmt.Sprintf(poxRequest, tom, poxOutlook), 401, ""},
		"JSON":                          {"GET", "/autodiscover/autodiscover.json?Email=nobody@contoso.example&Protocol=EWS", "", "", 200, `"Protocol":"EWS"`},
		"ProxyShell: path in the query": {"GET", "/autodiscover/autodiscover.json?@evil.example/ews/exchange.asmx?&Email=autodiscover/autodiscover.json%3F@evil.example", "", "", 404, ""},
		"ProxyShell: path in the path":  {"POST", "/autodiscover/autodiscover.json/@evil.example/ews/exchange.asmx", "", "", 404, ""},
		"ProxyShell: escaped":           {"GET", "/autodiscover/autodiscover.json%3F@evil.example/powershell", "", "", 404, ""},
		"another file":                  {"GET", "/autodiscover/other.xml", "", "", 404, ""},
	} {
		resp, body := published(t, l, c.method, l.Contoso.URL+c.path, c.user, c.body)
		if resp.StatusCode != c.code || !strings.Contains(body, c.want) {
			t.Errorf("%s: HTTP %d %.600s", name, resp.StatusCode, body)
		}
		if c.code == 401 && (resp.Header.Get("X-SOAP-Enabled") != "True" || resp.Header.Get("X-WSSecurity-Enabled") != "True" || !strings.HasPrefix(resp.Header.Get("WWW-Authenticate"), "Basic ")) {
			t.Errorf("%s: %v", name, resp.Header)
		}
	}
}

// exchangelib gives up on an answer that misses any of the six settings that it asks for.
func TestOwnUserLearnsAllSettingsThatClientsAskFor(t *testing.T) {
	l := lab.New(t, lab.SQLite(), federation.ProfileModern)
	tom := l.User(t, l.Contoso, "tom", mailbox.AvailabilityOnly)
	time.Sleep(1100 * time.Millisecond)
	c := &autodiscover.Client{HTTP: l.Client, Username: tom.String(), Password: lab.Password}
	asked := []string{"ExternalEwsUrl", "InternalEwsUrl", "UserDN", "MailboxDN", "UserDisplayName", "AutoDiscoverSMTPAddress", "EwsSupportedSchemas", "CasVersion"}
	got, err := c.GetUserSettings(t.Context(), l.Contoso.URL+"/autodiscover/autodiscover.svc", tom, asked...)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range asked {
		if got[name] == "" {
			t.Errorf("no %s", name)
		}
	}
	if domain, err := c.GetDomainSettings(t.Context(), l.Contoso.URL+"/autodiscover/autodiscover.svc", contosoDomain, "ExternalEwsUrl"); err != nil || domain["ExternalEwsUrl"] != got["ExternalEwsUrl"] {
		t.Errorf("%v %v", domain, err)
	}
	var e *autodiscover.Error
	if _, err := c.GetUserSettings(t.Context(), l.Contoso.URL+"/autodiscover/autodiscover.svc", smtpaddr.MustAddress("nobody@contoso.example"), asked...); !errors.As(err, &e) || e.Code != "InvalidUser" {
		t.Error(err)
	}
}

// withToken makes Fabrikam's client of a Contoso node with a real delegation token.
func withToken(t testing.TB, l *lab.Lab, user smtpaddr.Address, action orgrel.Action) *autodiscover.Client {
	t.Helper()
	c := &federation.Client{Trusts: trustOf{l.Fabrikam}, Now: time.Now, HTTP: func(*federation.Trust) (*http.Client, error) { return l.Client, nil }}
	token, err := c.DelegationToken(t.Context(), federation.TokenRequest{User: user, TargetApplicationUri: l.Contoso.Trust.ApplicationUri, Action: action})
	if err != nil {
		t.Fatal(err)
	}
	return &autodiscover.Client{HTTP: l.Client, Header: func(_ context.Context, to, action string) ([]byte, error) {
		return token.Headers(to, action, time.Now())
	}}
}

type trustOf struct{ o *lab.Organization }

func (s trustOf) FederationTrust(context.Context) (*federation.Trust, error) { return s.o.Trust, nil }

func (s trustOf) Organization(context.Context) (*federation.Organization, error) {
	return &federation.Organization{Enabled: true}, nil
}

func TestPartnerSeesItsOwnRelationshipOnly(t *testing.T) {
	l := lab.New(t, lab.SQLite(), federation.ProfileModern)
	rita := l.User(t, l.Fabrikam, "rita", mailbox.AvailabilityOnly)
	ctx := t.Context()
	other := smtpaddr.MustDomain("tailspin.example")
	if err := l.Contoso.Store.PutRelationship(ctx, &orgrel.OrganizationRelationship{Name: "Tailspin", DomainNames: []smtpaddr.Domain{other}, Enabled: true, TargetApplicationUri: "tailspin.example"}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1100 * time.Millisecond)
	url := l.Contoso.URL + "/autodiscover/autodiscover.svc/wssecurity"
	c := withToken(t, l, rita, orgrel.ActionAutodiscover)
	got, err := c.GetOrganizationRelationshipSettings(ctx, url, l.Fabrikam.Domain, other)
	if err != nil || len(got) != 1 || got[0].Name != "fabrikam.example" || !got[0].FreeBusyAccessEnabled || got[0].FreeBusyAccessLevel != "LimitedDetails" || got[0].MailTipsAccessLevel != "None" ||
		got[0].TargetApplicationUri != "exchangedelegation.fabrikam.example" || len(got[0].DomainNames) != 1 {
		t.Errorf("%+v %v", got, err)
	}
	if got, err := c.GetOrganizationRelationshipSettings(ctx, url, other); err != nil || len(got) != 0 {
		t.Errorf("another partner's entry: %+v %v", got, err)
	}
	var e *autodiscover.Error
	if _, err := withToken(t, l, rita, orgrel.ActionFreeBusy).GetOrganizationRelationshipSettings(ctx, url, l.Fabrikam.Domain); !errors.As(err, &e) || !e.Security {
		t.Errorf("a token for calendars opens relationships: %v", err)
	}
	cfg, err := l.Contoso.Store.LoadConfig(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range cfg.Relationships {
		if r.Covers(l.Fabrikam.Domain) {
			r.Enabled = false
			if err := l.Contoso.Store.PutRelationship(ctx, r); err != nil {
				t.Fatal(err)
			}
		}
	}
	time.Sleep(1100 * time.Millisecond)
	if got, err := c.GetOrganizationRelationshipSettings(ctx, url, l.Fabrikam.Domain); err != nil || len(got) != 1 || got[0].FreeBusyAccessEnabled || got[0].FreeBusyAccessLevel != "None" {
		t.Errorf("a disabled relationship grants: %+v %v", got, err)
	}
}

func TestPartnerLearnsWhereWeAreAndNobodysExistence(t *testing.T) {
	l := lab.New(t, lab.SQLite(), federation.ProfileModern)
	tom := l.User(t, l.Contoso, "tom", mailbox.AvailabilityOnly)
	rita := l.User(t, l.Fabrikam, "rita", mailbox.AvailabilityOnly)
	time.Sleep(1100 * time.Millisecond)
	url := l.Contoso.URL + "/autodiscover/autodiscover.svc/wssecurity"
	c := withToken(t, l, rita, orgrel.ActionAutodiscover)
	var answers []string
	for _, user := range []smtpaddr.Address{tom, smtpaddr.MustAddress("nobody@contoso.example")} {
		got, err := c.GetUserSettings(t.Context(), url, user, "ExternalEwsUrl", "ExternalEwsVersion", "UserDisplayName", "InternalEwsUrl", "AutoDiscoverSMTPAddress")
		if err != nil || got["ExternalEwsUrl"] == "" || got["UserDisplayName"]+got["InternalEwsUrl"]+got["AutoDiscoverSMTPAddress"] != "" {
			t.Errorf("%s: %v %v", user, got, err)
		}
		answers = append(answers, fmt.Sprint(got))
	}
	if answers[0] != answers[1] {
		t.Errorf("the answers tell who exists: %v", answers)
	}
	var e *autodiscover.Error
	if _, err := c.GetUserSettings(t.Context(), url, smtpaddr.MustAddress("ann@elsewhere.example"), "ExternalEwsUrl"); !errors.As(err, &e) || e.Code != "InvalidUser" {
		t.Errorf("a user of nobody's domain: %v", err)
	}
	if got, err := c.GetDomainSettings(t.Context(), url, contosoDomain, "ExternalEwsUrl"); err != nil || got["ExternalEwsUrl"] == "" {
		t.Errorf("%v %v", got, err)
	}
}

func TestAContactIsRedirectedToItsTarget(t *testing.T) {
	l := lab.New(t, lab.SQLite(), federation.ProfileModern)
	tom := l.User(t, l.Contoso, "tom", mailbox.AvailabilityOnly)
	rita := l.User(t, l.Fabrikam, "rita", mailbox.AvailabilityOnly)
	ann := &mailbox.Contact{Address: smtpaddr.MustAddress("ann@contoso.example"), Target: smtpaddr.MustAddress("ann@tailspin.example")}
	if err := l.Contoso.Store.PutContacts(t.Context(), []*mailbox.Contact{ann}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1100 * time.Millisecond)
	svc := l.Contoso.URL + "/autodiscover/autodiscover.svc"
	own := &autodiscover.Client{HTTP: l.Client, Username: tom.String(), Password: lab.Password}
	redirected := func(c *autodiscover.Client, url string) string {
		var e *autodiscover.Error
		_, err := c.GetUserSettings(t.Context(), url, ann.Address, "ExternalEwsUrl")
		if !errors.As(err, &e) || e.Code != "RedirectAddress" {
			return fmt.Sprint(err)
		}
		return e.RedirectTarget
	}
	if got := redirected(own, svc); got != "ann@tailspin.example" {
		t.Errorf("an own user: %s", got)
	}
	if _, body := published(t, l, http.MethodPost, l.Contoso.URL+"/autodiscover/autodiscover.xml", tom.String(), fmt.Sprintf(poxRequest, ann.Address, poxOutlook)); !strings.Contains(body, "<RedirectAddr>ann@tailspin.example</RedirectAddr>") {
		t.Errorf("by POX: %s", body)
	}
	partner := withToken(t, l, rita, orgrel.ActionAutodiscover)
	if got := redirected(partner, svc+"/wssecurity"); got != "ann@tailspin.example" {
		t.Errorf("a partner: %s", got)
	}
	cfg, err := l.Contoso.Store.LoadConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cfg.Relationships[0].FreeBusyAccessEnabled = false
	if err := l.Contoso.Store.PutRelationship(t.Context(), cfg.Relationships[0]); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1100 * time.Millisecond)
	if got := redirected(partner, svc+"/wssecurity"); strings.Contains(got, "tailspin") {
		t.Errorf("a partner that may see nothing learns of a contact: %s", got)
	}
}

func TestClosedWSSecurityIsNotAnnounced(t *testing.T) {
	l := lab.New(t, lab.SQLite(), federation.ProfileModern)
	for name, value := range map[string]string{store.SettingWSSecurity: "false", store.SettingExternalEwsURL: "", store.SettingPublishDomains: "all"} {
		if err := l.Contoso.Store.PutSetting(t.Context(), name, value); err != nil {
			t.Fatal(err)
		}
	}
	tom := l.User(t, l.Contoso, "tom", mailbox.AvailabilityOnly)
	time.Sleep(1100 * time.Millisecond)
	resp, _ := published(t, l, http.MethodGet, l.Contoso.URL+"/autodiscover/autodiscover.xml", "", "")
	if resp.Header.Get("X-SOAP-Enabled") != "True" || resp.Header.Get("X-WSSecurity-Enabled") != "" {
		t.Errorf("%v", resp.Header)
	}
	if resp, _ := published(t, l, http.MethodPost, l.Contoso.URL+"/autodiscover/autodiscover.svc/wssecurity", "", fedRequest); resp.StatusCode != http.StatusNotFound {
		t.Errorf("HTTP %d", resp.StatusCode)
	}
	c := &autodiscover.Client{HTTP: l.Client, Username: tom.String(), Password: lab.Password}
	var e *autodiscover.Error
	if _, err := c.GetUserSettings(t.Context(), l.Contoso.URL+"/autodiscover/autodiscover.svc", tom, "ExternalEwsUrl"); !errors.As(err, &e) || e.Code != "SettingIsNotAvailable" {
		t.Errorf("an unset URL: %v", err)
	}
}

func TestWrongPasswordIsRefusedEvenWhereAnybodyMayAsk(t *testing.T) {
	l := lab.New(t, lab.SQLite(), federation.ProfileModern)
	c := &http.Client{Transport: l.Client.Transport}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, l.Contoso.URL+"/autodiscover/autodiscover.svc", strings.NewReader(fedRequest))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "text/xml")
	req.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("tom@contoso.example:wrong")))
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("HTTP %d", resp.StatusCode)
	}
}
