package lab_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/federation/gateway"
	"github.com/availd/availd/internal/cache"
	"github.com/availd/availd/internal/doctor"
	"github.com/availd/availd/internal/lab"
	"github.com/availd/availd/internal/server"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/internal/store/open"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// clinic is the lab with names of its own: both organizations are published under autodiscover.DOMAIN and mail.DOMAIN, and
// have their domain proofs in DNS. Nothing in it is wrong.
type clinic struct {
	*testing.T
	*lab.Lab
	net       *lab.Internet
	client    *http.Client
	rita, tom smtpaddr.Address
	options   doctor.Options
}

func newClinic(t *testing.T) *clinic {
	t.Helper()
	l := lab.New(t, lab.SQLite(), federation.ProfileModern)
	c := &clinic{T: t, Lab: l, net: lab.NewInternet(t, l.Gateway.Certificate())}
	c.client = c.net.Client(t)
	for _, o := range []*lab.Organization{l.Contoso, l.Fabrikam} {
		d := o.Domain.String()
		c.net.Serve(t, "autodiscover."+d, l.Publish(t, o))
		c.net.Serve(t, "mail."+d, l.Publish(t, o))
		c.net.SetTXT(d, federation.DomainProof(o.Domain, o.Trust.OrgCertificate.Certificate))
		o.Trust.TokenIssuerMetadataEpr = l.Gateway.URL + gateway.PathMetadata
		must(t, o.Store.PutSetting(t.Context(), store.SettingExternalEwsURL, "https://mail."+d+"/EWS/Exchange.asmx"), o.Store.PutTrust(t.Context(), o.Trust))
		r := relationship(t, o.Store)
		r.TargetAutodiscoverEpr = "https://autodiscover." + r.DomainNames[0].String() + "/autodiscover/autodiscover.svc/WSSecurity"
		must(t, o.Store.PutRelationship(t.Context(), r))
	}
	c.rita = l.User(t, l.Fabrikam, "rita", mailbox.LimitedDetails)
	c.tom = l.User(t, l.Contoso, "tom", mailbox.LimitedDetails, busy(9))
	c.options = doctor.Options{Store: l.Fabrikam.Store, HTTP: func(doctor.Connection) (*http.Client, error) { return c.client, nil }, System: c.net.Resolver, Public: c.net.Resolver,
		Now: time.Now, Patience: 5 * time.Second, User: c.rita, Mailbox: c.tom}
	return c
}

// asContoso turns the examination round: Contoso's administrator looks why rita is refused.
func (c *clinic) asContoso() {
	c.options.Store, c.options.Direction = c.Contoso.Store, doctor.In
}

func (c *clinic) relate(o *lab.Organization, change func(r *orgrel.OrganizationRelationship)) {
	r := relationship(c, o.Store)
	change(r)
	must(c, o.Store.PutRelationship(c.Context(), r))
}

func (c *clinic) trust(o *lab.Organization, change func(t *federation.Trust)) {
	tr := *o.Trust
	change(&tr)
	must(c, o.Store.PutTrust(c.Context(), &tr))
}

func (c *clinic) set(o *lab.Organization, name, value string) {
	must(c, o.Store.PutSetting(c.Context(), name, value))
}

// federate gives Fabrikam one more federated domain, which the gateway knows nothing of.
func (c *clinic) federate(d smtpaddr.Domain) {
	o := c.Fabrikam.Federated()
	o.Domains, o.AcceptedDomains = append(o.Domains, d), append(o.AcceptedDomains, d)
	must(c, c.Fabrikam.Store.PutOrganization(c.Context(), o))
}

// certificate gives Fabrikam another organization certificate, here and at the gateway.
func (c *clinic) certificate(pair *federation.KeyPair) {
	c.trust(c.Fabrikam, func(t *federation.Trust) { t.OrgCertificate = pair })
	c.net.SetTXT("fabrikam.example", federation.DomainProof(c.Fabrikam.Domain, pair.Certificate))
}

func (c *clinic) organizationCertificate(now time.Time) *federation.KeyPair {
	pair, err := federation.NewOrganizationCertificate(now, 30)
	must(c, err)
	return pair
}

// answer makes a web server that says one thing.
func answer(status int, header, value, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if header != "" {
			w.Header().Set(header, value)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

// rewriting changes what passes through it, as some firewalls do; signatures do not survive it.
func rewriting(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		body = bytes.ReplaceAll(body, []byte("Z</u:Expires>"), []byte(".000Z</u:Expires>"))
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		next.ServeHTTP(w, r)
	})
}

const (
	contosoAutodiscover = "autodiscover.contoso.example"
	contosoMail         = "mail.contoso.example"
)

// ailment is one published case, brought about by a real fault.
type ailment struct {
	id, story string
	bring     func(c *clinic)
}

func ailments() []ailment {
	var all []ailment
	for _, group := range [][]ailment{tokenAilments(), certificateAilments(), autodiscoverAilments(), ewsAilments(), relationshipAilments(), domainAilments(), otherAilments()} {
		all = append(all, group...)
	}
	return all
}

func tokenAilments() []ailment {
	return []ailment{
		{"TOK-01", "our trust is stale", func(c *clinic) { c.RollIssuerKey(c) }},
		{"TOK-01", "the partner's trust is stale", func(c *clinic) {
			other, err := federation.NewSigningCertificate(time.Now(), 30)
			must(c, err)
			c.trust(c.Contoso, func(t *federation.Trust) { t.TokenIssuerCertificate = other.Certificate })
		}},
		{"TOK-02", "our endpoints are switched off", func(c *clinic) { c.set(c.Fabrikam, store.SettingWSSecurity, "false") }},
		{"TOK-02", "a firewall rewrites messages to the partner", func(c *clinic) {
			c.net.Serve(c, contosoAutodiscover, rewriting(c.Publish(c, c.Contoso)))
		}},
		{"TOK-02", "a firewall rewrites messages to us", func(c *clinic) {
			c.net.Serve(c, "mail.fabrikam.example", rewriting(c.Publish(c, c.Fabrikam)))
		}},
		{"TOK-03", "the partner uses another gateway", func(c *clinic) {
			c.trust(c.Contoso, func(t *federation.Trust) { t.TokenIssuerUri = "uri:WindowsLiveID" })
		}},
		{"TOK-04", "the gateway does not know us", func(c *clinic) { must(c, c.Registry.Remove(c.Context(), "fabrikam.example")) }},
		{"TOK-04", "the organization is not enabled", func(c *clinic) {
			o := c.Fabrikam.Federated()
			o.Enabled = false
			must(c, c.Fabrikam.Store.PutOrganization(c.Context(), o))
		}},
		{"TOK-05", "a firewall shuts the gateway off", func(c *clinic) {
			c.trust(c.Fabrikam, func(t *federation.Trust) {
				t.TokenIssuerEpr, t.TokenIssuerMetadataEpr = "https://127.0.0.1:1"+gateway.PathSTS, "https://127.0.0.1:1"+gateway.PathMetadata
			})
		}},
		{"TOK-06", "the web proxy wants a password", func(c *clinic) {
			proxy := httptest.NewServer(answer(http.StatusProxyAuthRequired, "Proxy-Authenticate", "Basic", ""))
			c.Cleanup(proxy.Close)
			u, err := url.Parse(proxy.URL)
			must(c, err)
			c.client.Transport.(*http.Transport).Proxy = http.ProxyURL(u)
			c.options.Proxy = proxy.URL
		}},
	}
}

func certificateAilments() []ailment {
	return []ailment{
		{"CERT-01", "the master key is another one", func(c *clinic) {
			dir := c.TempDir()
			database, key := filepath.Join(dir, "f.db"), filepath.Join(dir, "other.key")
			right, err := open.Open(c.Context(), database, open.Options{})
			must(c, err, right.PutTrust(c.Context(), c.Fabrikam.Trust), right.Close(), store.CreateMasterKey(key))
			wrong, err := open.Open(c.Context(), database, open.Options{MasterKeyFile: key})
			must(c, err)
			c.Cleanup(func() { wrong.Close() })
			c.options.Store = wrong
		}},
		{"CERT-02", "the certificate is from the future", func(c *clinic) { c.certificate(c.organizationCertificate(time.Now().Add(72 * time.Hour))) }},
		{"CERT-03", "the certificate has expired", func(c *clinic) { c.certificate(c.organizationCertificate(time.Now().AddDate(0, 0, -60))) }},
		{"CERT-05", "the certificate is a web server's", func(c *clinic) {
			key := c.Fabrikam.Trust.OrgCertificate.Key
			template := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "mail.fabrikam.example"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
				SubjectKeyId: []byte("0123456789abcdef"), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
			raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
			must(c, err)
			cert, err := x509.ParseCertificate(raw)
			must(c, err)
			c.certificate(&federation.KeyPair{Certificate: cert, Key: key})
		}},
	}
}

func autodiscoverAilments() []ailment {
	at := func(h http.Handler) func(c *clinic) {
		return func(c *clinic) { c.net.Serve(c, contosoAutodiscover, h) }
	}
	return []ailment{
		{"AD-01", "the endpoint is not published", at(answer(404, "", "", ""))},
		{"AD-01", "our own endpoint is not published", func(c *clinic) {
			c.net.Serve(c, "autodiscover.fabrikam.example", answer(404, "", "", ""))
		}},
		{"AD-02", "the reverse proxy wants a login", at(answer(401, "WWW-Authenticate", "Negotiate", ""))},
		{"AD-02", "our reverse proxy shows a form", func(c *clinic) {
			c.net.Serve(c, "mail.fabrikam.example", answer(200, "Content-Type", "text/html", "<!doctype html><form>Log in</form>"))
		}},
		{"AD-03", "a filter lets GET pass only", at(answer(405, "Allow", "GET", ""))},
		{"AD-04", "the name is not in DNS", func(c *clinic) { c.net.Forget(contosoAutodiscover) }},
		{"AD-04", "the name is known inside only", func(c *clinic) {
			outside := lab.NewInternet(c)
			outside.SetTXT("fabrikam.example", federation.DomainProof(c.Fabrikam.Domain, c.Fabrikam.Trust.OrgCertificate.Certificate))
			c.options.Public = outside.Resolver
		}},
		{"AD-05", "plain http leads to a hoster", func(c *clinic) {
			c.net.ServePlain(c, contosoAutodiscover, answer(302, "Location", "https://autodiscover.hoster.example/autodiscover/autodiscover.xml", ""))
		}},
		{"AD-06", "the address is of a domain that the partner does not have", func(c *clinic) {
			sales := smtpaddr.MustDomain("sales.contoso.example")
			c.relate(c.Fabrikam, func(r *orgrel.OrganizationRelationship) { r.DomainNames = append(r.DomainNames, sales) })
			c.options.Mailbox = smtpaddr.MustAddress("tom@sales.contoso.example")
		}},
		{"AD-07", "the partner's external URL is not set", func(c *clinic) {
			c.set(c.Contoso, store.SettingExternalEwsURL, "")
		}},
		{"AD-07", "our external URL is not set", func(c *clinic) { c.set(c.Fabrikam, store.SettingExternalEwsURL, "") }},
		{"AD-08", "the certificate is of another host", func(c *clinic) {
			c.net.Forget(contosoAutodiscover)
			c.net.ServeToo(c, contosoAutodiscover, "www.contoso.example", c.Publish(c, c.Contoso))
		}},
		{"AD-09", "what listens does not speak TLS", func(c *clinic) {
			c.net.ServeConnections(c, contosoAutodiscover, func(conn net.Conn) {
				_, _ = io.WriteString(conn, "220 mail.contoso.example ESMTP\r\n")
				_, _ = io.Copy(io.Discard, conn)
			})
		}},
	}
}

func ewsAilments() []ailment {
	at := func(h http.Handler) func(c *clinic) {
		return func(c *clinic) { c.net.Serve(c, contosoMail, h) }
	}
	return []ailment{
		{"EWS-01", "nothing listens", func(c *clinic) {
			c.net.Forget(contosoMail)
			c.net.Bind(contosoMail, "443", "127.0.0.1:1")
		}},
		{"EWS-02", "the partner filters by address", func(c *clinic) {
			c.net.ServeConnections(c, contosoMail, func(conn net.Conn) {
				_, _ = conn.Read(make([]byte, 1))
				_ = conn.(*net.TCPConn).SetLinger(0)
				conn.Close()
			})
		}},
		{"EWS-03", "our external URL leads nowhere", func(c *clinic) {
			c.set(c.Fabrikam, store.SettingExternalEwsURL, "https://mail.fabrikam.example/wrong.asmx")
		}},
		{"EWS-04", "TargetSharingEpr is a login page", func(c *clinic) {
			c.relate(c.Fabrikam, func(r *orgrel.OrganizationRelationship) { r.TargetSharingEpr = "https://mail.contoso.example/owa" })
			c.net.Serve(c, contosoMail, answer(302, "Location", "/owa/auth/logon.aspx", ""))
		}},
		{"EWS-05", "a proxy answers instead", at(answer(200, "Content-Type", "text/html", "<html>Access policy</html>"))},
		{"EWS-06", "the service is stopped", at(answer(503, "", "", "No server is available"))},
		{"EWS-07", "the service hangs", func(c *clinic) {
			c.options.Patience = 2 * time.Second
			c.net.Serve(c, contosoMail, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
				<-c.Context().Done() // and not when the client goes: an empty answer could reach it in its last moment
			}))
		}},
		{"EWS-08", "the calendar is too full", func(c *clinic) {
			start := time.Now().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
			events := make([]string, 1001)
			for i := range events {
				events[i] = "DTSTART:" + start.Add(time.Duration(i)*5*time.Minute).Format("20060102T150405Z") + "\r\nDURATION:PT5M"
			}
			c.options.Mailbox = c.User(c, c.Contoso, "busy", mailbox.LimitedDetails, events...)
		}},
	}
}

func relationshipAilments() []ailment {
	third := smtpaddr.MustDomain("third.example")
	return []ailment{
		{"REL-01", "nobody has the domain", func(c *clinic) { c.options.Mailbox = smtpaddr.MustAddress("mia@third.example") }},
		{"REL-02", "free/busy access is off", func(c *clinic) {
			c.relate(c.Fabrikam, func(r *orgrel.OrganizationRelationship) { r.FreeBusyAccessEnabled = false })
		}},
		{"REL-03", "the application URI is missing", func(c *clinic) {
			c.relate(c.Fabrikam, func(r *orgrel.OrganizationRelationship) { r.TargetApplicationUri = "" })
		}},
		{"REL-04", "the partner's relationship is disabled", func(c *clinic) {
			c.relate(c.Contoso, func(r *orgrel.OrganizationRelationship) { r.Enabled = false })
		}},
		{"REL-04", "the owner's Default permission is None", func(c *clinic) {
			c.asContoso()
			c.options.Mailbox = c.User(c, c.Contoso, "shy", mailbox.PermissionNone)
		}},
		{"REL-05", "the mailbox is outside of the scope", func(c *clinic) {
			c.asContoso()
			group := smtpaddr.MustAddress("sales@contoso.example")
			must(c, c.Contoso.Store.PutGroup(c.Context(), &mailbox.Group{Address: group}))
			c.relate(c.Contoso, func(r *orgrel.OrganizationRelationship) { r.FreeBusyAccessScope = group })
		}},
		{"REL-06", "the partner would have to forward", func(c *clinic) {
			c.relate(c.Fabrikam, func(r *orgrel.OrganizationRelationship) {
				r.DomainNames, r.TargetSharingEpr = append(r.DomainNames, third), "https://mail.contoso.example/EWS/Exchange.asmx"
			})
			c.options.Mailbox = smtpaddr.MustAddress("mia@third.example")
		}},
		{"REL-07", "the partner has another name at the gateway now", func(c *clinic) {
			c.relate(c.Fabrikam, func(r *orgrel.OrganizationRelationship) { r.TargetApplicationUri = "old.contoso.example" })
		}},
		{"REL-07", "the partner's service has moved", func(c *clinic) {
			c.relate(c.Fabrikam, func(r *orgrel.OrganizationRelationship) {
				r.TargetAutodiscoverEpr = "https://old.contoso.example/autodiscover/autodiscover.svc/WSSecurity"
			})
		}},
		{"REL-08", "the partner has not added our new domain", func(c *clinic) {
			d := smtpaddr.MustDomain("fabrikam-asia.example")
			c.federate(d)
			must(c, c.Registry.ReserveDomain(c.Context(), "fabrikam.example", d))
			was, err := c.Registry.Domain(c.Context(), d)
			must(c, err)
			is := was
			is.State, is.How = gateway.Proven, gateway.ByTXT
			must(c, c.Registry.PutDomain(c.Context(), "domain verify", was, is))
			c.net.SetTXT(d.String(), federation.DomainProof(d, c.Fabrikam.Trust.OrgCertificate.Certificate))
		}},
	}
}

func domainAilments() []ailment {
	more := smtpaddr.MustDomain("fabrikam-asia.example")
	return []ailment{
		{"DOM-01", "the TXT record has a line break in it", func(c *clinic) {
			c.federate(more)
			proof := federation.DomainProof(more, c.Fabrikam.Trust.OrgCertificate.Certificate)
			c.net.SetTXT(more.String(), proof[:40]+"\n"+proof[40:])
		}},
		{"DOM-02", "the user's domain is accepted and not federated", func(c *clinic) {
			o := c.Fabrikam.Federated()
			o.AcceptedDomains = append(o.AcceptedDomains, more)
			must(c, c.Fabrikam.Store.PutOrganization(c.Context(), o))
			c.options.User = smtpaddr.MustAddress("ann@fabrikam-asia.example")
		}},
		{"DOM-03", "another organization has the domain at the gateway", func(c *clinic) {
			c.federate(more)
			must(c, c.Registry.ReserveDomain(c.Context(), "contoso.example", more))
			c.net.SetTXT(more.String(), federation.DomainProof(more, c.Fabrikam.Trust.OrgCertificate.Certificate))
		}},
	}
}

func otherAilments() []ailment {
	return []ailment{
		{"TIME-01", "our clock is ten minutes ahead", func(c *clinic) {
			c.options.Now = func() time.Time { return time.Now().Add(10 * time.Minute) }
		}},
		{"CACHE-01", "the node remembers a failure of the partner that is repaired", func(c *clinic) {
			c.net.Forget(contosoAutodiscover) // so that the partner is where the relationship says, and nobody knows better
			c.relate(c.Fabrikam, func(r *orgrel.OrganizationRelationship) {
				r.TargetAutodiscoverEpr = c.Contoso.URL + "/autodiscover/autodiscover.svc/WSSecurity"
			})
			c.set(c.Contoso, store.SettingWSSecurity, "false")
			settle()
			s := server.New(server.Options{Log: slog.New(slog.DiscardHandler), AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}, c.Fabrikam.Store)
			go s.Follow(c.Context())
			node := httptest.NewTLSServer(s.Public())
			c.Cleanup(node.Close)
			_, body := post(c, c.Lab, node.URL, c.rita.String(), lab.Password, request("FreeBusy", c.tom.String()))
			contains(c, body, "ErrorAutoDiscoverFailed")
			c.set(c.Contoso, store.SettingWSSecurity, "true")
			settle()
			c.options.Caches = func(context.Context) (map[string][]cache.Entry, error) { return remembered(s.Caches()) }
		}},
		{"LOAD-01", "one of two servers has no endpoint", func(c *clinic) {
			c.net.ServeToo(c, "mail.fabrikam.example", "mail.fabrikam.example", answer(404, "", "", ""))
		}},
	}
}

func remembered(set *cache.Set) (map[string][]cache.Entry, error) {
	out := map[string][]cache.Entry{}
	for _, name := range set.Names() {
		c, err := set.Get(name)
		if err != nil {
			return nil, err
		}
		out[name] = c.List()
	}
	return out, nil
}

// publishedCases is the length of the table in docs/doctor.md.
const publishedCases = 45

// impossible are the published cases that cannot be brought about here, and why; docs/doctor.md says so too.
var impossible = map[string]string{
	"CERT-04": "the organization's keys lie in the store that all nodes share",
	"REL-09":  "there is no second mechanism: a domain is in one relationship at most, and it has one access method",
	"OLD-01":  "a limitation of Outlook 2007, which shows in no exchange with a server",
	"OUT-01":  "Outlook's own search for its availability URL, which only Outlook makes",
}

func TestDoctorsFirstFindingIsTheCaseThatWasBroughtAbout(t *testing.T) {
	t.Parallel()
	var provoked atomic.Int32
	t.Run("cases", func(t *testing.T) {
		for _, a := range ailments() {
			t.Run(a.id+" "+a.story, func(t *testing.T) {
				t.Parallel()
				c := newClinic(t)
				a.bring(c)
				settle() // an administrator comes when every node has noticed
				r := doctor.Examine(t.Context(), c.options)
				f, wrong := r.First()
				if !wrong || f.ID != a.id {
					t.Fatalf("the first finding is %+v\n%s", f, summary(r))
				}
				if f.Evidence == "" || f.Cause == "" || f.Fix == "" {
					t.Errorf("the finding is not complete: %+v", f)
				}
				provoked.Add(1)
			})
		}
	})
	ids := map[string]bool{}
	for _, a := range ailments() {
		ids[a.id] = true
	}
	t.Logf("%d faults brought about; of %d published cases %d; %d cannot exist here:", provoked.Load(), len(ids)+len(impossible), len(ids), len(impossible))
	for id, why := range impossible {
		t.Logf("%s: %s", id, why)
		if ids[id] {
			t.Errorf("%s was brought about", id)
		}
	}
	if len(ids)+len(impossible) != publishedCases {
		t.Errorf("%d cases are missing", publishedCases-len(ids)-len(impossible))
	}
}

func summary(r *doctor.Report) string {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%-4s %-8s %.300s\n", f.Severity, f.ID, f.Evidence)
	}
	for _, e := range r.Exchanges {
		fmt.Fprintf(&b, "%s %s %d %s\n", e.Method, e.URL, e.Status, e.Error)
	}
	return b.String()
}

func TestDoctorFindsNothingWhereNothingIsWrong(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	settle()
	r := doctor.Examine(t.Context(), c.options)
	if f, wrong := r.First(); wrong || r.Count(doctor.Pass) < 30 {
		t.Errorf("%+v\n%s", f, summary(r))
	}
	seen := map[string]int{}
	for _, e := range r.Exchanges {
		seen[e.Method+" "+e.URL]++
	}
	if seen["GET "+c.Gateway.URL+gateway.PathMetadata] != 1 {
		t.Errorf("the metadata was fetched more or less than once: %v", seen)
	}
}
