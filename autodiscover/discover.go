package autodiscover

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/availd/availd/smtpaddr"
)

const (
	pathSOAP      = "/autodiscover/autodiscover.svc"
	pathPOX       = "/autodiscover/autodiscover.xml"
	confirmAtOnce = 8
)

// Resolver finds SRV records; *net.Resolver is one.
type Resolver interface {
	LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
}

// DiscoverOptions of a discovery.
type DiscoverOptions struct {
	Resolver   Resolver      // nil leaves out the SRV step
	TryTimeout time.Duration // of one URL; 0 = 10 s
	Timeout    time.Duration // of the whole discovery; 0 = 30 s
	// ConfirmDomains asks each domain that the answer claims whether it says the same of itself, each within Timeout.
	ConfirmDomains bool
	MaxConfirm     int // of them, the others stay unconfirmed; 0 = all
}

// Try is one place where a discovery looked.
type Try struct {
	How string   // "autodiscover host", "domain", "http redirect", "SRV record"
	URL string   // where it began; for SRV the record's name
	Via []string // the URLs to which it was led from there
	Err error    // nil: this is what answered
}

// UnconfirmedDomain is a claimed domain that does not say the same of itself, and why.
type UnconfirmedDomain struct {
	Domain smtpaddr.Domain
	Err    error
}

// candidate is one step of a discovery: begin returns the trail with which to ask.
type candidate struct {
	how, url string
	begin    func(context.Context) (*trail, error)
}

// candidates are the steps of [MS-OXWSADISC] 3.1.4.3 for federation information, in which the autodiscover host comes
// before the bare domain, and of the generic client, in which it comes after. No other name is derived from the domain:
// a parent domain is another organization's (T105).
func (c *Client) candidates(d smtpaddr.Domain, hostFirst bool, r Resolver) []candidate {
	direct := func(how, host string) candidate {
		u := "https://" + host + pathSOAP
		return candidate{how, u, func(context.Context) (*trail, error) { return newTrail(u, c.TrustedHosts), nil }}
	}
	list := []candidate{direct("autodiscover host", "autodiscover."+d.String()), direct("domain", d.String())}
	if !hostFirst {
		slices.Reverse(list)
	}
	plain := "http://autodiscover." + d.String() + pathPOX
	list = append(list, candidate{"http redirect", plain, func(ctx context.Context) (*trail, error) { return c.indirect(ctx, d, plain) }})
	if r != nil {
		list = append(list, candidate{"SRV record", "_autodiscover._tcp." + d.String(), func(ctx context.Context) (*trail, error) { return c.srv(ctx, d, r) }})
	}
	return list
}

// led makes a trail to a host that DNS or plain http named: it must lie in the domain or be trusted.
func (c *Client) led(d smtpaddr.Domain, host string) (*trail, error) {
	t := &trail{origin: d.String(), trusted: c.TrustedHosts}
	if err := t.follow("https://" + host + pathSOAP); err != nil {
		return nil, err
	}
	return t, nil
}

// indirect asks by plain http, without credentials, where the service is.
func (c *Client) indirect(ctx context.Context, d smtpaddr.Domain, plain string) (*trail, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, plain, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.unfollowing().Do(req)
	if err != nil {
		return nil, err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusFound {
		return nil, fmt.Errorf("HTTP status %d where a redirect is expected", resp.StatusCode)
	}
	u, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || u.Scheme != "https" || u.Host == "" || !strings.EqualFold(u.Path, pathPOX) {
		return nil, fmt.Errorf("redirect to %.200q, which is not https and %s", resp.Header.Get("Location"), pathPOX)
	}
	return c.led(d, u.Hostname())
}

// srv takes the first record with port 443 in the order of priority and weight; the resolver has shuffled equals.
func (c *Client) srv(ctx context.Context, d smtpaddr.Domain, r Resolver) (*trail, error) {
	_, records, err := r.LookupSRV(ctx, "autodiscover", "tcp", d.String()+".") // rooted, so that no search list appends to it
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(records, func(a, b *net.SRV) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(b.Weight, a.Weight))
	})
	for _, s := range records {
		if host := strings.TrimSuffix(s.Target, "."); s.Port == 443 && host != "" {
			return c.led(d, host)
		}
	}
	return nil, fmt.Errorf("none of %d records has port 443", len(records))
}

// search goes through the candidates until ask succeeds, or fails with what final calls an answer.
func search(ctx context.Context, d smtpaddr.Domain, o DiscoverOptions, steps []candidate, final func(error) bool, ask func(context.Context, *trail) error) ([]Try, error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(o.Timeout, 30*time.Second))
	defer cancel()
	var tries []Try
	var best error
	for _, step := range steps {
		if err := ctx.Err(); err != nil {
			best = cmp.Or(best, err)
			break
		}
		try := Try{How: step.how, URL: step.url}
		try.Via, try.Err = attempt(ctx, cmp.Or(o.TryTimeout, 10*time.Second), step, ask)
		tries = append(tries, try)
		if try.Err == nil {
			return tries, nil
		}
		if answered, ok := errors.AsType[*Error](try.Err); ok {
			best = answered
			if final(answered) {
				break
			}
		}
		if _, told := errors.AsType[*Error](best); !told {
			best = try.Err
		}
	}
	return tries, fmt.Errorf("Autodiscover for %s: %w", d, best)
}

func attempt(ctx context.Context, limit time.Duration, step candidate, ask func(context.Context, *trail) error) (via []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	t, err := step.begin(ctx)
	if err != nil {
		return nil, err
	}
	err = ask(ctx, t)
	for _, hop := range t.hops {
		if hop != step.url {
			via = append(via, hop)
		}
	}
	return via, err
}

// Discover finds the federation information of a domain, as Get-FederationInformation does: at the autodiscover host,
// at the domain, at the host that plain http redirects to, and at the host of the SRV record. The tries tell what was
// looked at and why it failed, also where the discovery did.
func (c *Client) Discover(ctx context.Context, d smtpaddr.Domain, o DiscoverOptions) (*FederationInformation, []Try, error) {
	var info *FederationInformation
	never := func(error) bool { return false }
	tries, err := search(ctx, d, o, c.candidates(d, true, o.Resolver), never, func(ctx context.Context, t *trail) (err error) {
		if info, err = c.federationInformation(ctx, t, d); err == nil {
			info.TargetAutodiscoverEpr = secured(t.url())
		}
		return err
	})
	if err != nil {
		return nil, tries, err
	}
	if o.ConfirmDomains {
		c.confirm(ctx, d, info, o)
	}
	return info, tries, nil
}

// secured is the endpoint for tokens beside a base endpoint, spelt as Get-FederationInformation does.
func secured(base string) string {
	const suffix = "/WSSecurity"
	base = strings.TrimSuffix(base, "/")
	if strings.HasSuffix(strings.ToLower(base), strings.ToLower(suffix)) {
		return base
	}
	return base + suffix
}

// confirm keeps the domains that name the same application URI when they are asked themselves.
func (c *Client) confirm(ctx context.Context, asked smtpaddr.Domain, info *FederationInformation, o DiscoverOptions) {
	o.ConfirmDomains = false
	refused := make([]error, len(info.Domains))
	others := 0
	var g errgroup.Group
	g.SetLimit(confirmAtOnce)
	for i, d := range info.Domains {
		if d == asked {
			continue
		}
		if others++; o.MaxConfirm > 0 && others > o.MaxConfirm {
			refused[i] = fmt.Errorf("only %d domains were asked", o.MaxConfirm)
			continue
		}
		g.Go(func() error {
			other, _, err := c.Discover(ctx, d, o)
			if err == nil && !strings.EqualFold(other.ApplicationUri, info.ApplicationUri) {
				err = fmt.Errorf("%s says that its application URI is %.100q", d, other.ApplicationUri)
			}
			refused[i] = err
			return nil
		})
	}
	_ = g.Wait()
	var confirmed []smtpaddr.Domain
	for i, d := range info.Domains {
		if refused[i] == nil {
			confirmed = append(confirmed, d)
		} else {
			info.Unconfirmed = append(info.Unconfirmed, UnconfirmedDomain{d, refused[i]})
		}
	}
	info.Domains = confirmed
}

// DiscoverUser finds the Autodiscover service of a user and asks it for settings, as GetUserSettings does: at the domain,
// at the autodiscover host, at the host that plain http redirects to, and at the host of the SRV record. A service that
// answers with an ErrorCode ends the search; one that refuses the credentials does not. With a token the wssecurity
// endpoints are asked.
func (c *Client) DiscoverUser(ctx context.Context, user smtpaddr.Address, o DiscoverOptions, settings ...string) (map[string]string, []Try, error) {
	var out map[string]string
	answered := func(err error) bool { e, ok := errors.AsType[*Error](err); return ok && !e.Fault }
	tries, err := search(ctx, user.Domain(), o, c.candidates(user.Domain(), false, o.Resolver), answered, func(ctx context.Context, t *trail) (err error) {
		if c.Header != nil {
			t.hops[len(t.hops)-1] = secured(t.url())
		}
		out, err = c.userSettings(ctx, t, user, settings)
		return err
	})
	return out, tries, err
}
