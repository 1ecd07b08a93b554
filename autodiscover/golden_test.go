package autodiscover_test

import (
	"context"
	"errors"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/availd/availd/autodiscover"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

var update = flag.Bool("update", false, "write the responses anew")

// contoso is the data of the golden pairs.
type contoso struct{}

func (contoso) FederationInformation(_ context.Context, d smtpaddr.Domain) (*autodiscover.FederationInformation, error) {
	switch d.String() {
	case "contoso.example":
		return &autodiscover.FederationInformation{ApplicationUri: "exchangedelegation.contoso.example", Domains: []smtpaddr.Domain{smtpaddr.MustDomain("exchangedelegation.contoso.example"), d},
			TokenIssuerUri: "urn:federation:gateway", TokenIssuerEndpoint: "https://gateway.example/extSTS.srf"}, nil
	case "plain.example":
		return nil, fault.Because(fault.NotFederated, nil)
	}
	return nil, fault.Because(fault.InvalidDomain, nil)
}

func (contoso) UserSettings(_ context.Context, _ orgrel.Requester, user smtpaddr.Address) (map[string]string, error) {
	switch user.Local() {
	case "tom":
		return map[string]string{"ExternalEwsUrl": "https://mail.contoso.example/EWS/Exchange.asmx", "ExternalEwsVersion": "15.02.1118.007"}, nil
	case "gone":
		return nil, fault.Because(fault.ServerBusy, errors.New("disk on fire"))
	}
	return nil, fault.Because(fault.InvalidUser, nil)
}

// TestGoldenPairs answers each testdata/OPERATION/STORY.request.xml and compares with STORY.response.xml, byte for byte.
func TestGoldenPairs(t *testing.T) {
	requests, err := filepath.Glob("testdata/*/*.request.xml")
	if err != nil || len(requests) == 0 {
		t.Fatal("no stories", err)
	}
	h := autodiscover.NewHandler(autodiscover.Options{Directory: contoso{},
		Authenticate: func(context.Context, *soap.Envelope) (orgrel.Requester, error) {
			return orgrel.Requester{Domain: smtpaddr.MustDomain("fabrikam.example"), External: true}, nil
		}})
	for _, path := range requests {
		story := strings.TrimSuffix(filepath.Base(path), ".request.xml")
		t.Run(filepath.Base(filepath.Dir(path))+"/"+story, func(t *testing.T) {
			request, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			w := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/autodiscover/autodiscover.svc", strings.NewReader(string(request)))
			r.Header.Set("Content-Type", "text/xml; charset=utf-8")
			h.ServeHTTP(w, r)
			answer := strings.TrimSuffix(path, ".request.xml") + ".response.xml"
			if *update {
				if err := os.WriteFile(answer, w.Body.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(answer)
			if err != nil {
				t.Fatal(err)
			}
			status := http.StatusOK
			if strings.HasPrefix(story, "fault-") {
				status = http.StatusInternalServerError
			}
			if w.Code != status || w.Body.String() != string(want) {
				t.Errorf("HTTP %d\n got %s\nwant %s", w.Code, w.Body, want)
			}
		})
	}
}

// TestClientReadsWhatTheServiceAnswers lets the client end speak to the server end.
func TestClientReadsWhatTheServiceAnswers(t *testing.T) {
	srv := httptest.NewServer(autodiscover.NewHandler(autodiscover.Options{Directory: contoso{}, Authenticate: func(context.Context, *soap.Envelope) (orgrel.Requester, error) { return orgrel.Requester{}, nil }}))
	t.Cleanup(srv.Close)
	c := &autodiscover.Client{HTTP: srv.Client()}
	info, err := c.GetFederationInformation(t.Context(), srv.URL, smtpaddr.MustDomain("contoso.example"))
	if err != nil || info.ApplicationUri != "exchangedelegation.contoso.example" || len(info.Domains) != 2 || info.TokenIssuerEndpoint != "https://gateway.example/extSTS.srf" || info.TokenIssuerUri != "urn:federation:gateway" {
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
			_, err := c.GetUserSettings(t.Context(), srv.URL, smtpaddr.MustAddress("tom@contoso.example"), "InternalEwsUrl")
			return err
		},
	} {
		if e, ok := errors.AsType[*autodiscover.Error](ask()); !ok || e.Code != code || e.Fault || e.Security {
			t.Errorf("%s: %+v", code, e)
		}
	}
}
