package autodiscover_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/availd/availd/autodiscover"
	"github.com/availd/availd/smtpaddr"
)

var (
	contosoDomain = smtpaddr.MustDomain("contoso.example")
	tom           = smtpaddr.MustAddress("tom@contoso.example")
)

func redirect(status int, to string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", to)
		w.WriteHeader(status)
	})
}

func failing(status int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
}

// tells makes a service that tells one federation information for every domain.
func tells(applicationURI string, members string) http.Handler {
	return answers("GetFederationInformation", "<ErrorCode>NoError</ErrorCode><ErrorMessage/><ApplicationUri>"+applicationURI+"</ApplicationUri>"+members)
}

// answers makes a service that answers one operation with ready members of the Response.
func answers(operation, members string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		fmt.Fprintf(w, `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header/><s:Body><%sResponseMessage xmlns="http://schemas.microsoft.com/exchange/2010/Autodiscover"><Response xmlns:i="http://www.w3.org/2001/XMLSchema-instance">%s</Response></%sResponseMessage></s:Body></s:Envelope>`,
			operation, members, operation)
	})
}

func how(tries []autodiscover.Try) (out []string) {
	for _, t := range tries {
		out = append(out, t.How)
	}
	return out
}

func discover(t *testing.T, w *world, c *autodiscover.Client) (*autodiscover.FederationInformation, []autodiscover.Try, error) {
	t.Helper()
	return c.Discover(t.Context(), contosoDomain, autodiscover.DiscoverOptions{Resolver: w.resolver})
}

func TestFederationInformationIsLookedForAtTheAutodiscoverHostFirst(t *testing.T) {
	w := newWorld(t)
	w.serve("autodiscover.contoso.example", as("anonymous"))
	w.serve("contoso.example", failing(http.StatusNotFound))
	info, tries, err := discover(t, w, w.client())
	if err != nil {
		t.Fatal(err)
	}
	if info.ApplicationUri != "exchangedelegation.contoso.example" || len(info.Domains) != 2 || info.TargetAutodiscoverEpr != "https://autodiscover.contoso.example/autodiscover/autodiscover.svc/WSSecurity" ||
		!slices.Equal(info.TokenIssuers, []autodiscover.TokenIssuer{{Uri: "urn:federation:gateway", Endpoint: "https://gateway.example/extSTS.srf"}}) {
		t.Errorf("%+v", info)
	}
	if !slices.Equal(how(tries), []string{"autodiscover host"}) || w.arrived("contoso.example") != 0 {
		t.Errorf("%v", tries)
	}
}

func TestDiscoveryGoesOnUntilSomethingAnswers(t *testing.T) {
	steps := []string{"autodiscover host", "domain", "http redirect", "SRV record"}
	for n, set := range []func(w *world){
		func(w *world) { w.serve("autodiscover.contoso.example", as("anonymous")) },
		func(w *world) {
			w.serve("autodiscover.contoso.example", failing(http.StatusUnauthorized)) // somebody's pre-authentication
			w.serve("contoso.example", as("anonymous"))
		},
		func(w *world) {
			w.serve("contoso.example", failing(http.StatusNotFound)) // a web site
			w.servePlain("autodiscover.contoso.example", redirect(http.StatusFound, "https://mail.contoso.example/Autodiscover/Autodiscover.xml"))
			w.serve("mail.contoso.example", as("anonymous"))
		},
		func(w *world) {
			w.srv["_autodiscover._tcp.contoso.example."] = []dns.SRV{{Priority: 5, Port: 8443, Target: "wrong-port.contoso.example."}, {Priority: 20, Port: 443, Target: "late.contoso.example."},
				{Priority: 10, Weight: 1, Port: 443, Target: "light.contoso.example."}, {Priority: 10, Weight: 9, Port: 443, Target: "mail.contoso.example."}}
			w.serve("mail.contoso.example", as("anonymous"))
		},
	} {
		w := newWorld(t)
		set(w)
		info, tries, err := discover(t, w, w.client())
		if err != nil || !slices.Equal(how(tries), steps[:n+1]) {
			t.Errorf("%s: %v %v", steps[n], tries, err)
			continue
		}
		for i, try := range tries {
			if (try.Err == nil) != (i == n) || try.URL == "" {
				t.Errorf("%s: try %+v", steps[n], try)
			}
		}
		if n >= 2 && (info.TargetAutodiscoverEpr != "https://mail.contoso.example/autodiscover/autodiscover.svc/WSSecurity" || len(tries[n].Via) == 0) {
			t.Errorf("%s: %+v %+v", steps[n], info, tries[n])
		}
	}
}

// rooted keeps the name of the last SRV look-up.
type rooted struct {
	*net.Resolver
	name string
}

func (r *rooted) LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error) {
	r.name = name
	return r.Resolver.LookupSRV(ctx, service, proto, name)
}

// T105: a parent domain, a search list or a top-level domain belongs to somebody else.
func TestDiscoveryNeverClimbsTheDomain(t *testing.T) {
	w := newWorld(t)
	w.serve("autodiscover.contoso.example", as("anonymous"))
	w.serve("autodiscover.example", as("anonymous"))
	d := smtpaddr.MustDomain("emea.contoso.example")
	r := &rooted{Resolver: w.resolver}
	_, tries, err := w.client().Discover(t.Context(), d, autodiscover.DiscoverOptions{Resolver: r})
	if err == nil || len(tries) != 4 {
		t.Errorf("%v %v", tries, err)
	}
	if r.name != "emea.contoso.example." {
		t.Errorf("a search list may be appended to %q", r.name)
	}
	if got, want := w.lookedUp(), []string{"_autodiscover._tcp.emea.contoso.example.", "autodiscover.emea.contoso.example.", "emea.contoso.example."}; !slices.Equal(got, want) {
		t.Errorf("looked up %v", got)
	}
}

func TestForeignHostNeedsToBeTrustedByName(t *testing.T) {
	for name, set := range map[string]func(w *world){
		"redirect of the service": func(w *world) {
			w.serve("autodiscover.contoso.example", redirect(http.StatusFound, "https://host.provider.example/autodiscover/autodiscover.svc"))
		},
		"plain http": func(w *world) {
			w.servePlain("autodiscover.contoso.example", redirect(http.StatusFound, "https://host.provider.example/autodiscover/autodiscover.xml"))
		},
		"DNS": func(w *world) {
			w.srv["_autodiscover._tcp.contoso.example."] = []dns.SRV{{Port: 443, Target: "host.provider.example."}}
		},
	} {
		w := newWorld(t)
		set(w)
		w.serve("host.provider.example", as("anonymous"))
		c := w.client()
		_, tries, err := discover(t, w, c)
		var untrusted *autodiscover.UntrustedHostError
		for _, try := range tries {
			errors.As(try.Err, &untrusted)
		}
		if err == nil || untrusted == nil || untrusted.Host != "host.provider.example" || w.arrived("host.provider.example") != 0 {
			t.Errorf("%s: %v %v", name, tries, err)
		}
		c.TrustedHosts = []string{"Host.Provider.example"}
		if info, _, err := discover(t, w, c); err != nil || info.TargetAutodiscoverEpr != "https://host.provider.example/autodiscover/autodiscover.svc/WSSecurity" {
			t.Errorf("%s, trusted: %v %v", name, info, err)
		}
	}
}

func TestServiceThatAnswersTellsWhyTheDiscoveryFailed(t *testing.T) {
	w := newWorld(t)
	d := smtpaddr.MustDomain("plain.example")
	w.serve("autodiscover.plain.example", as("anonymous"))
	w.serve("plain.example", failing(http.StatusNotFound))
	_, tries, err := w.client().Discover(t.Context(), d, autodiscover.DiscoverOptions{Resolver: w.resolver})
	var e *autodiscover.Error
	if !errors.As(err, &e) || e.Code != "NotFederated" || len(tries) != 4 {
		t.Errorf("%v %v", tries, err)
	}
}

func TestSlowServiceCostsOneTryOnly(t *testing.T) {
	w := newWorld(t)
	w.serve("autodiscover.contoso.example", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		rw.Header().Set("Content-Type", "text/xml")
		for r.Context().Err() == nil {
			_, _ = rw.Write([]byte(" "))
			_ = http.NewResponseController(rw).Flush()
			time.Sleep(10 * time.Millisecond)
		}
	}))
	w.serve("contoso.example", as("anonymous"))
	_, tries, err := w.client().Discover(t.Context(), contosoDomain, autodiscover.DiscoverOptions{TryTimeout: 300 * time.Millisecond})
	if err != nil || len(tries) != 2 || !errors.Is(tries[0].Err, context.DeadlineExceeded) {
		t.Errorf("%v %v", tries, err)
	}
}

func TestDiscoveryEndsAtItsDeadline(t *testing.T) {
	w := newWorld(t)
	hang := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		<-t.Context().Done() // and not when the client goes: an empty answer could reach it in its last moment
	})
	w.serve("autodiscover.contoso.example", hang)
	w.serve("contoso.example", hang)
	_, tries, err := w.client().Discover(t.Context(), contosoDomain, autodiscover.DiscoverOptions{Timeout: 200 * time.Millisecond})
	if !errors.Is(err, context.DeadlineExceeded) || len(tries) != 1 {
		t.Errorf("%v %v", tries, err)
	}
}

func TestClaimedDomainsAreAskedThemselves(t *testing.T) {
	w := newWorld(t)
	w.serve("autodiscover.contoso.example", tells("contoso.example", "<Domains><Domain>contoso.example</Domain><Domain>contoso-shop.example</Domain><Domain>fabrikam.example</Domain><Domain>silent.example</Domain></Domains>"))
	w.serve("contoso-shop.example", tells("CONTOSO.example", ""))
	w.serve("autodiscover.fabrikam.example", tells("fabrikam.example", ""))
	info, _, err := w.client().Discover(t.Context(), contosoDomain, autodiscover.DiscoverOptions{ConfirmDomains: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(info.TokenIssuers) != 0 {
		t.Error("token issuers from nowhere")
	}
	if fmt.Sprint(info.Domains) != "[contoso.example contoso-shop.example]" || len(info.Unconfirmed) != 2 ||
		info.Unconfirmed[0].Domain.String() != "fabrikam.example" || !strings.Contains(info.Unconfirmed[0].Err.Error(), "application URI") || info.Unconfirmed[1].Domain.String() != "silent.example" {
		t.Errorf("%+v", info)
	}
}

func TestUserSettingsAreLookedForAtTheDomainFirst(t *testing.T) {
	w := newWorld(t)
	w.serve("contoso.example", failing(http.StatusUnauthorized)) // not final
	w.serve("autodiscover.contoso.example", as("own"))
	c := w.client()
	c.Username, c.Password = "ann@contoso.example", "secret"
	settings, tries, err := c.DiscoverUser(t.Context(), tom, autodiscover.DiscoverOptions{Resolver: w.resolver}, "ExternalEwsUrl", "UserDisplayName")
	if err != nil || settings["ExternalEwsUrl"] != ewsURL || settings["UserDisplayName"] != "Tom & Co. <sales>" || !slices.Equal(how(tries), []string{"domain", "autodiscover host"}) {
		t.Errorf("%v %v %v", settings, tries, err)
	}
	_, tries, err = c.DiscoverUser(t.Context(), smtpaddr.MustAddress("nobody@contoso.example"), autodiscover.DiscoverOptions{Resolver: w.resolver}, "ExternalEwsUrl")
	var e *autodiscover.Error
	if !errors.As(err, &e) || e.Code != "InvalidUser" || len(tries) != 2 {
		t.Errorf("an answer is not the end: %v %v", tries, err)
	}
}
