package autodiscover_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/availd/availd/autodiscover"
	"github.com/availd/availd/smtpaddr"
)

const svc = "https://autodiscover.contoso.example/autodiscover/autodiscover.svc"

// tokens makes a client whose header blocks name where they were addressed to, and collects what each host received.
func tokens(w *world) (*autodiscover.Client, *received) {
	c := w.client()
	c.Header = func(_ context.Context, to, action string) ([]byte, error) {
		return []byte(`<t:Token xmlns:t="urn:test" xmlns:a="http://www.w3.org/2005/08/addressing">for ` + to + `</t:Token>`), nil
	}
	return c, &received{}
}

type received struct {
	mu       sync.Mutex
	messages map[string]string // by host
}

// at notes what arrives before h answers.
func (r *received) at(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		b, _ := io.ReadAll(req.Body)
		req.Body = io.NopCloser(bytes.NewReader(b))
		r.mu.Lock()
		if r.messages == nil {
			r.messages = map[string]string{}
		}
		r.messages[req.Host] += string(b)
		r.mu.Unlock()
		h.ServeHTTP(w, req)
	})
}

// T104: a token goes only to the host that it was addressed to.
func TestRedirectedTokenIsAddressedAnewOrNotSent(t *testing.T) {
	const next = "https://emea.contoso.example/autodiscover/autodiscover.svc/wssecurity"
	for name, first := range map[string]http.Handler{
		"HTTP 302":    redirect(http.StatusFound, next),
		"HTTP 307":    redirect(http.StatusTemporaryRedirect, next),
		"RedirectUrl": answers("GetUserSettings", "<ErrorCode>NoError</ErrorCode><UserResponses><UserResponse><ErrorCode>RedirectUrl</ErrorCode><RedirectTarget>"+next+"</RedirectTarget></UserResponse></UserResponses>"),
	} {
		w := newWorld(t)
		c, got := tokens(w)
		w.serve("autodiscover.contoso.example", got.at(first))
		w.serve("emea.contoso.example", got.at(as("partner")))
		settings, err := c.GetUserSettings(t.Context(), svc+"/wssecurity", tom, "ExternalEwsUrl")
		if err != nil || settings["ExternalEwsUrl"] != ewsURL {
			t.Errorf("%s: %v %v", name, settings, err)
		}
		if m := got.messages["emea.contoso.example"]; !strings.Contains(m, "for "+next) || strings.Contains(m, "for "+svc) {
			t.Errorf("%s: the second host received %s", name, m)
		}
	}
}

func TestFederationInformationIsAskedWithoutCredentials(t *testing.T) {
	w := newWorld(t)
	c, got := tokens(w)
	c.Username, c.Password = "ann@contoso.example", "secret"
	authorization := ""
	w.serve("autodiscover.contoso.example", got.at(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		authorization = r.Header.Get("Authorization")
		as("anonymous").ServeHTTP(rw, r)
	})))
	if _, err := c.GetFederationInformation(t.Context(), svc, contosoDomain); err != nil || authorization != "" || strings.Contains(got.messages["autodiscover.contoso.example"], "Token") {
		t.Errorf("%v %q %v", err, authorization, got.messages)
	}
}

func redirectURL(to string) http.Handler {
	return answers("GetUserSettings", "<UserResponses><UserResponse><ErrorCode>RedirectUrl</ErrorCode><RedirectTarget>"+to+"</RedirectTarget></UserResponse></UserResponses>")
}

func TestHostileRedirectsEnd(t *testing.T) {
	hop := 0
	for name, c := range map[string]struct {
		h    http.Handler
		want string
	}{
		"to http":           {redirect(http.StatusFound, "http://autodiscover.contoso.example/x"), "not https"},
		"to a file":         {redirect(http.StatusFound, "file:///etc/passwd"), "no URL"},
		"to another domain": {redirect(http.StatusFound, "https://evil.example/x"), "trust the host name evil.example"},
		"to an address":     {redirect(http.StatusFound, "https://127.0.1.1/x"), "trust the host name 127.0.1.1"},
		"to a suffix":       {redirect(http.StatusFound, "https://example/x"), "trust the host name example"},
		"with credentials":  {redirect(http.StatusFound, "https://contoso.example@autodiscover.contoso.example/x"), "credentials"},
		"in a loop":         {redirect(http.StatusFound, svc), "loop"},
		"a hundred times": {http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			hop++
			redirect(http.StatusFound, fmt.Sprintf("%s?%d", svc, hop)).ServeHTTP(w, r)
		}), "more than 10 redirects"},
		"RedirectUrl to http":           {redirectURL("http://autodiscover.contoso.example/x"), "not https"},
		"RedirectUrl in a loop":         {redirectURL(svc), "loop"},
		"RedirectUrl to another domain": {redirectURL("https://evil.example/x"), "trust the host name evil.example"},
		"RedirectAddress to nobody":     {answers("GetUserSettings", "<UserResponses><UserResponse><ErrorCode>RedirectAddress</ErrorCode><RedirectTarget>x</RedirectTarget></UserResponse></UserResponses>"), "no @"},
		"RedirectAddress in a loop":     {answers("GetUserSettings", "<UserResponses><UserResponse><ErrorCode>RedirectAddress</ErrorCode><RedirectTarget>tom@contoso.example</RedirectTarget></UserResponse></UserResponses>"), "more than 10 redirects"},
	} {
		w := newWorld(t)
		client, _ := tokens(w)
		w.serve("autodiscover.contoso.example", c.h)
		w.serve("evil.example", as("partner"))
		if _, err := client.GetUserSettings(t.Context(), svc, tom, "ExternalEwsUrl"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if w.arrived("evil.example") != 0 || w.arrived("autodiscover.contoso.example") > 11 {
			t.Errorf("%s: %d requests to the other domain, %d in all", name, w.arrived("evil.example"), w.arrived("autodiscover.contoso.example"))
		}
	}
}

// Two customers of one provider share a suffix, not a domain.
func TestRedirectWithinAPublicSuffixIsForeign(t *testing.T) {
	w := newWorld(t)
	c, _ := tokens(w)
	w.serve("one.co.uk", redirect(http.StatusFound, "https://two.co.uk/x"))
	w.serve("two.co.uk", as("partner"))
	var untrusted *autodiscover.UntrustedHostError
	if _, err := c.GetUserSettings(t.Context(), "https://one.co.uk/x", tom, "ExternalEwsUrl"); !errors.As(err, &untrusted) || w.arrived("two.co.uk") != 0 {
		t.Error(err)
	}
}

func TestMovedUserInAnotherDomainIsTheCallersDecision(t *testing.T) {
	w := newWorld(t)
	c, _ := tokens(w)
	w.serve("autodiscover.contoso.example", as("partner"))
	_, err := c.GetUserSettings(t.Context(), svc, smtpaddr.MustAddress("moved@contoso.example"), "ExternalEwsUrl")
	var e *autodiscover.Error
	if !errors.As(err, &e) || e.Code != "RedirectAddress" || e.RedirectTarget != "moved@fabrikam.example" {
		t.Errorf("%+v", err)
	}
}

// The caller may know more of the partner's hosts than the client does, and decides.
func TestRedirectUrlThatIsNotFollowedIsHandedToTheCaller(t *testing.T) {
	w := newWorld(t)
	c, _ := tokens(w)
	w.serve("autodiscover.contoso.example", redirectURL("https://host.provider.example/x"))
	_, err := c.GetUserSettings(t.Context(), svc, tom, "ExternalEwsUrl")
	var e *autodiscover.Error
	var untrusted *autodiscover.UntrustedHostError
	if !errors.As(err, &e) || e.Code != "RedirectUrl" || e.RedirectTarget != "https://host.provider.example/x" || !errors.As(err, &untrusted) {
		t.Errorf("%+v", err)
	}
}

func TestMissingSettingIsNamedAsAdministratorsKnowIt(t *testing.T) {
	w := newWorld(t)
	w.serve("autodiscover.contoso.example", as("partner"))
	for user, want := range map[string]string{"tom": "SettingIsNotAvailable", "nobody": "InvalidUser"} {
		_, err := w.client().GetUserSettings(t.Context(), svc, smtpaddr.MustAddress(user+"@contoso.example"), "InteropExternalEwsUrl")
		text := "The response from the Autodiscover service at '" + svc + "' failed due to an error in user setting 'InteropExternalEwsUrl'. Error message: " + want + "."
		var e *autodiscover.Error
		if !errors.As(err, &e) || e.Code != want || e.Error() != text || e.Fault || e.Security {
			t.Errorf("%s: %v", user, err)
		}
	}
}

func TestDomainSettings(t *testing.T) {
	w := newWorld(t)
	w.serve("autodiscover.contoso.example", as("own"))
	c := w.client()
	got, err := c.GetDomainSettings(t.Context(), svc, contosoDomain, "ExternalEwsUrl", "ExternalEwsVersion")
	if err != nil || got["ExternalEwsUrl"] != ewsURL || got["ExternalEwsVersion"] == "" {
		t.Errorf("%v %v", got, err)
	}
	var e *autodiscover.Error
	if _, err := c.GetDomainSettings(t.Context(), svc, smtpaddr.MustDomain("fabrikam.example"), "ExternalEwsUrl"); !errors.As(err, &e) || e.Code != "InvalidDomain" {
		t.Error(err)
	}
}

func TestRefusedTokenIsTold(t *testing.T) {
	w := newWorld(t)
	w.serve("autodiscover.contoso.example", as("stranger"))
	var e *autodiscover.Error
	if _, err := w.client().GetUserSettings(t.Context(), svc, tom, "ExternalEwsUrl"); !errors.As(err, &e) || !e.Fault || !e.Security || e.Code != "FailedAuthentication" {
		t.Errorf("%+v", err)
	}
}

// T106, T107: an answer costs no more than its bound, and what it says is checked.
func TestHostileAnswersAreErrors(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, _ = z.Write(bytes.Repeat([]byte(" "), 64<<20))
	_ = z.Close()
	one := "<UserResponse><ErrorCode>NoError</ErrorCode><UserSettings><UserSetting><Name>ExternalEwsUrl</Name><Value>https://x.example/</Value></UserSetting></UserSettings></UserResponse>"
	for name, h := range map[string]http.Handler{
		"endless": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			chunk := bytes.Repeat([]byte("<a>"), 100000)
			for r.Context().Err() == nil {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}),
		"a compressed bomb": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		}),
		"deep":                answers("GetUserSettings", strings.Repeat("<a>", 5000)+strings.Repeat("</a>", 5000)),
		"HTML":                http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html><body>Welcome<br></html>") }),
		"another operation":   answers("GetDomainSettings", ""),
		"no user":             answers("GetUserSettings", "<UserResponses/>"),
		"more users":          answers("GetUserSettings", "<UserResponses>"+one+one+"</UserResponses>"),
		"an unknown code":     answers("GetUserSettings", "<ErrorCode>Whatever</ErrorCode>"),
		"nothing of the sort": answers("GetUserSettings", "<UserResponses><UserResponse><UserSettings><UserSetting><Name>Other</Name><Value>x</Value></UserSetting></UserSettings></UserResponse></UserResponses>"),
		"a nil value":         answers("GetUserSettings", `<UserResponses><UserResponse><UserSettings><UserSetting><Name>ExternalEwsUrl</Name><Value i:nil="true"/></UserSetting></UserSettings></UserResponse></UserResponses>`),
	} {
		w := newWorld(t)
		w.serve("autodiscover.contoso.example", h)
		if got, err := w.client().GetUserSettings(t.Context(), svc, tom, "ExternalEwsUrl"); err == nil {
			t.Errorf("%s: %v", name, got)
		}
	}
	for name, h := range map[string]http.Handler{
		"a domain that is none": tells("contoso.example", "<Domains><Domain>a b</Domain></Domains>"),
		"no application URI":    tells("", ""),
	} {
		w := newWorld(t)
		w.serve("autodiscover.contoso.example", h)
		if got, err := w.client().GetFederationInformation(t.Context(), svc, contosoDomain); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// Members come in two orders, with types that we do not know, and without those that are newer than the service.
func TestAnswersOfOtherServersAreReadByName(t *testing.T) {
	w := newWorld(t)
	w.serve("autodiscover.contoso.example", answers("GetUserSettings", `<ErrorMessage/><UserResponses><UserResponse><UserSettings>
		<UserSetting i:type="WebClientUrlCollectionSetting"><Name>ExternalWebClientUrls</Name><WebClientUrls><WebClientUrl><Url>https://owa.example/</Url></WebClientUrl></WebClientUrls></UserSetting>
		<UserSetting i:type="NewerSetting"><Name>Newer</Name><Value><Part/></Value></UserSetting>
		<UserSetting i:type="StringSetting"><Value>https://x.example/ews</Value><Name>ExternalEwsUrl</Name></UserSetting></UserSettings><ErrorCode>NoError</ErrorCode></UserResponse></UserResponses>`))
	w.serve("old.contoso.example", tells("FYDIBOHF25SPDLT.Contoso.example", "<TokenIssuers><TokenIssuer><Uri>uri:WindowsLiveID</Uri><Endpoint/></TokenIssuer><TokenIssuer><Uri>urn:federation:MicrosoftOnline</Uri></TokenIssuer></TokenIssuers><Domains/>"))
	got, err := w.client().GetUserSettings(t.Context(), svc, tom, "ExternalEwsUrl", "ExternalWebClientUrls", "Newer")
	if err != nil || len(got) != 1 || got["ExternalEwsUrl"] != "https://x.example/ews" {
		t.Errorf("%v %v", got, err)
	}
	info, err := w.client().GetFederationInformation(t.Context(), "https://old.contoso.example/x", contosoDomain)
	if err != nil || info.ApplicationUri != "FYDIBOHF25SPDLT.Contoso.example" || len(info.TokenIssuers) != 2 || info.TokenIssuers[1].Uri != "urn:federation:MicrosoftOnline" {
		t.Errorf("%+v %v", info, err)
	}
}

type answer []byte

func (a answer) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(a)), Request: r}, nil
}

func FuzzClientReadsAnyAnswer(f *testing.F) {
	for _, name := range []string{"getusersettings/own-several-users", "getusersettings/partner-moved-user", "getdomainsettings/partner-several-domains", "getfederationinformation/anonymous-checker", "getorganizationrelationshipsettings/partner-own-entry"} {
		f.Add([]byte(golden(f, name+".response.xml")))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c := &autodiscover.Client{HTTP: &http.Client{Transport: answer(b)}}
		if s, err := c.GetUserSettings(t.Context(), svc, tom, "ExternalEwsUrl"); err == nil && s["ExternalEwsUrl"] == "" {
			t.Error("success without the setting")
		}
		if s, err := c.GetDomainSettings(t.Context(), svc, contosoDomain, "ExternalEwsUrl"); err == nil && s["ExternalEwsUrl"] == "" {
			t.Error("success without the setting")
		}
		if i, err := c.GetFederationInformation(t.Context(), svc, contosoDomain); err == nil {
			for _, d := range i.Domains {
				if _, err := smtpaddr.ParseDomain(d.String()); err != nil || i.ApplicationUri == "" {
					t.Errorf("%+v", i)
				}
			}
		}
		_, _ = c.GetOrganizationRelationshipSettings(t.Context(), svc, contosoDomain)
	})
}
