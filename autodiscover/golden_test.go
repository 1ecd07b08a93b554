package autodiscover_test

import (
	"context"
	"errors"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/autodiscover"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

var update = flag.Bool("update", false, "write the golden answers anew")

const ewsURL = "https://mail.contoso.example/EWS/Exchange.asmx"

// contoso is a directory with one user, one contact, one user of another site and every way to fail.
type contoso struct{ wsSecurityClosed, federationOff bool }

func (c contoso) Status(context.Context) (autodiscover.Status, error) {
	return autodiscover.Status{Product: "availd 1.2.3", Federated: !c.federationOff, WSSecurity: !c.wsSecurityClosed}, nil
}

func (contoso) FederationInformation(_ context.Context, d smtpaddr.Domain) (*autodiscover.FederationInformation, error) {
	switch d.String() {
	case "contoso.example":
	case "plain.example":
		return nil, fault.Because(fault.NotFederated, nil)
	case "down.example":
		return nil, fault.Because(fault.ServerBusy, errors.New("connection refused at 10.0.0.1"))
	default:
		return nil, fault.Because(fault.InvalidDomain, nil)
	}
	return &autodiscover.FederationInformation{ApplicationUri: "exchangedelegation.contoso.example",
		Domains:      []smtpaddr.Domain{smtpaddr.MustDomain("exchangedelegation.contoso.example"), d},
		TokenIssuers: []autodiscover.TokenIssuer{{Uri: "urn:federation:gateway", Endpoint: "https://gateway.example/extSTS.srf"}}}, nil
}

func (contoso) UserSettings(_ context.Context, _ orgrel.Requester, users []smtpaddr.Address) ([]autodiscover.Settings, error) {
	out := make([]autodiscover.Settings, len(users))
	for i, u := range users {
		switch u.String() {
		case "tom@contoso.example":
			out[i].Values = map[string]string{"ExternalEwsUrl": ewsURL, "ExternalEwsVersion": "15.02.1118.007", "InternalEwsUrl": "https://inside.contoso.example/EWS/Exchange.asmx",
				"EwsSupportedSchemas": "Exchange2007, Exchange2016", "UserDisplayName": "Tom & Co. <sales>", "UserDN": "/o=c/cn=tom", "MailboxDN": "/o=c/cn=tom",
				"AutoDiscoverSMTPAddress": "tom@contoso.example", "CasVersion": "15.02.1118.007"}
		case "moved@contoso.example":
			out[i].RedirectAddress = smtpaddr.MustAddress("moved@fabrikam.example")
		case "elsewhere@contoso.example":
			out[i].RedirectUrl = "https://emea.contoso.example/autodiscover/autodiscover.svc"
		case "down@contoso.example", "gone@contoso.example":
			return nil, fault.Because(fault.ServerBusy, errors.New("connection refused at 10.0.0.1"))
		case "broken@contoso.example":
			return nil, errors.New("index out of range at 10.0.0.1")
		default:
			out[i].Err = fault.Because(fault.InvalidUser, nil)
		}
	}
	return out, nil
}

func (contoso) DomainSettings(_ context.Context, domains []smtpaddr.Domain) ([]autodiscover.Settings, error) {
	out := make([]autodiscover.Settings, len(domains))
	for i, d := range domains {
		switch d.String() {
		case "contoso.example":
			out[i].Values = map[string]string{"ExternalEwsUrl": ewsURL, "ExternalEwsVersion": "15.02.1118.007"}
		case "elsewhere.example":
			out[i].RedirectUrl = "https://emea.contoso.example/autodiscover/autodiscover.svc"
		case "unset.example":
		default:
			out[i].Err = fault.Because(fault.InvalidDomain, nil)
		}
	}
	return out, nil
}

func (contoso) OrganizationRelationships(_ context.Context, r orgrel.Requester, domains []smtpaddr.Domain) ([]autodiscover.OrganizationRelationshipSettings, error) {
	if domains[0] != r.Domain {
		return nil, nil
	}
	return []autodiscover.OrganizationRelationshipSettings{{Name: "Fabrikam", DomainNames: []smtpaddr.Domain{r.Domain}, FreeBusyAccessEnabled: true, FreeBusyAccessLevel: "LimitedDetails",
		MailTipsAccessLevel: "None", TargetApplicationUri: "exchangedelegation.fabrikam.example", TargetAutodiscoverEpr: "https://autodiscover.fabrikam.example/autodiscover/autodiscover.svc/wssecurity"}}, nil
}

// authenticate tells an endpoint that the caller is who.
func authenticate(who string) func(context.Context, *soap.Envelope) (orgrel.Requester, error) {
	partner := orgrel.Requester{Address: smtpaddr.MustAddress("rita@fabrikam.example"), Domain: smtpaddr.MustDomain("fabrikam.example"), External: true, Actions: []orgrel.Action{orgrel.ActionAutodiscover}}
	own := orgrel.Requester{Address: smtpaddr.MustAddress("ann@contoso.example"), Domain: smtpaddr.MustDomain("contoso.example"), Actions: []orgrel.Action{orgrel.ActionFreeBusy, orgrel.ActionAutodiscover}}
	return func(context.Context, *soap.Envelope) (orgrel.Requester, error) {
		switch who {
		case "own":
			return own, nil
		case "partner":
			return partner, nil
		case "calendar":
			partner.Actions = []orgrel.Action{orgrel.ActionFreeBusy}
			return partner, nil
		case "stranger":
			partner.Actions = []orgrel.Action{"MSExchange.CertificationWS"}
			return partner, nil
		}
		return orgrel.Requester{}, fault.Because(fault.Unauthorized, errors.New("nobody"))
	}
}

// as makes the endpoint that who uses.
func as(who string) http.Handler {
	o := autodiscover.Options{Directory: contoso{}, Challenge: `Basic realm="test"`, Authenticate: authenticate(who)}
	if who == "own" || who == "anonymous" {
		return autodiscover.NewHandler(o)
	}
	return autodiscover.NewWSSecurityHandler(o)
}

// ask sends a SOAP request to a handler.
func ask(t testing.TB, h http.Handler, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/autodiscover/autodiscover.svc", strings.NewReader(body))
	r.Header.Set("Content-Type", "text/xml; charset=utf-8")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// The word before a story's first hyphen is who asks: own, partner, calendar (a partner's token for calendars only) or
// anonymous.
func TestGoldenAnswers(t *testing.T) {
	requests, err := filepath.Glob("testdata/*/*.request.xml")
	if err != nil || len(requests) < 25 {
		t.Fatal("golden requests are missing", err)
	}
	for _, path := range requests {
		story := strings.TrimSuffix(path, ".request.xml")
		t.Run(strings.TrimPrefix(story, "testdata/"), func(t *testing.T) {
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			who, _, _ := strings.Cut(filepath.Base(story), "-")
			w := ask(t, as(who), string(raw))
			got := w.Body.String()
			if strings.Contains(got, "10.0.0.1") {
				t.Error("the answer shows an inner cause")
			}
			if fault := strings.Contains(story, "-fault-") || strings.HasSuffix(story, "-is-refused") && who != "anonymous" || who == "stranger"; fault != (w.Code == http.StatusInternalServerError) {
				t.Errorf("HTTP %d", w.Code)
			}
			if (w.Code == http.StatusUnauthorized) != (who == "anonymous" && !strings.Contains(path, "getfederationinformation")) {
				t.Errorf("HTTP %d", w.Code)
			}
			golden := story + ".response.xml"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil || got != string(want) {
				t.Errorf("HTTP %d %s\nwant %s (%v)", w.Code, got, want, err)
			}
			validate(t, got)
		})
	}
}

// description is the WSDL that the service gives of itself.
func description(t testing.TB) string {
	t.Helper()
	w := httptest.NewRecorder()
	as("anonymous").ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://autodiscover.contoso.example/autodiscover/autodiscover.svc?WSDL", nil))
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/xml") {
		t.Fatal(w.Code, w.Header())
	}
	return w.Body.String()
}

// validate checks the body of an answer against the schema that the service publishes.
func validate(t testing.TB, answer string) {
	t.Helper()
	if strings.Contains(answer, "<s:Fault>") || !strings.Contains(answer, "<s:Body>") {
		return
	}
	xmllint, err := exec.LookPath("xmllint")
	if err != nil {
		t.Skip("xmllint is not installed")
	}
	schema := between(t, description(t), "<xs:schema ", "</xs:schema>")
	schema = `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:tns="http://schemas.microsoft.com/exchange/2010/Autodiscover" ` + schema + "</xs:schema>"
	file := filepath.Join(t.TempDir(), "autodiscover.xsd")
	if err := os.WriteFile(file, []byte(schema), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), xmllint, "--noout", "--nonet", "--schema", file, "-")
	cmd.Stdin = strings.NewReader(between(t, answer, "<s:Body>", "</s:Body>"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("the answer is not as the service describes it: %s", out)
	}
}

func between(t testing.TB, s, from, to string) string {
	t.Helper()
	_, s, ok1 := strings.Cut(s, from)
	s, _, ok2 := strings.Cut(s, to)
	if !ok1 || !ok2 {
		t.Fatalf("no %q up to %q", from, to)
	}
	return s
}

// TestClientReadsWhatTheServiceAnswers lets the client end speak to the server end.
func TestClientReadsWhatTheServiceAnswers(t *testing.T) {
	srv := httptest.NewServer(as("own"))
	t.Cleanup(srv.Close)
	c := &autodiscover.Client{HTTP: srv.Client()}
	info, err := c.GetFederationInformation(t.Context(), srv.URL, smtpaddr.MustDomain("contoso.example"))
	if err != nil || info.ApplicationUri != "exchangedelegation.contoso.example" || len(info.Domains) != 2 || len(info.TokenIssuers) != 1 || info.TokenIssuers[0].Endpoint != "https://gateway.example/extSTS.srf" || info.TokenIssuers[0].Uri != "urn:federation:gateway" {
		t.Errorf("%+v %v", info, err)
	}
	settings, err := c.GetUserSettings(t.Context(), srv.URL, smtpaddr.MustAddress("tom@contoso.example"), "ExternalEwsUrl", "InteropExternalEwsUrl")
	if err != nil || settings["ExternalEwsUrl"] != "https://mail.contoso.example/EWS/Exchange.asmx" || len(settings) != 1 {
		t.Errorf("%v %v", settings, err)
	}
	for code, ask := range map[string]func() error{
		"InvalidDomain": func() error {
			_, err := c.GetFederationInformation(t.Context(), srv.URL, smtpaddr.MustDomain("other.example"))
			return err
		},
		"NotFederated": func() error {
			_, err := c.GetFederationInformation(t.Context(), srv.URL, smtpaddr.MustDomain("plain.example"))
			return err
		},
		"InvalidUser": func() error {
			_, err := c.GetUserSettings(t.Context(), srv.URL, smtpaddr.MustAddress("nobody@contoso.example"), "ExternalEwsUrl")
			return err
		},
		"SettingIsNotAvailable": func() error {
			_, err := c.GetUserSettings(t.Context(), srv.URL, smtpaddr.MustAddress("tom@contoso.example"), "ExternalOABUrl")
			return err
		},
	} {
		if e, ok := errors.AsType[*autodiscover.Error](ask()); !ok || e.Code != code || e.Fault || e.Security {
			t.Errorf("%s: %+v", code, e)
		}
	}
}

// fixed is a clock that stands still until it is told.
type fixed struct{ t time.Time }

func (f *fixed) now() time.Time { return f.t }
