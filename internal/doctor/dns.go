package doctor

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/availd/availd/federation"
)

const lookupTimeout = 5 * time.Second

// NewResolver asks the DNS server at address (host:port or host), over UDP and, where an answer is too long, over TCP.
func NewResolver(address string) *net.Resolver {
	if _, _, err := net.SplitHostPort(address); err != nil {
		address = net.JoinHostPort(address, "53")
	}
	return federation.NewResolver(address)
}

// opinion is what one resolver says of a name.
type opinion struct {
	resolver string
	answers  []string
	err      error
}

// String is the opinion as evidence.
func (o opinion) String() string {
	if o.err != nil {
		return fmt.Sprintf("the %s resolver: %v", o.resolver, o.err)
	}
	return fmt.Sprintf("the %s resolver: %s", o.resolver, strings.Join(o.answers, " "))
}

// opinions asks the system's and the public resolver one question.
func (x *examination) opinions(ctx context.Context, ask func(ctx context.Context, r Resolver) ([]string, error)) []opinion {
	var out []opinion
	for _, r := range []struct {
		name string
		r    Resolver
	}{{"system's", x.o.System}, {"public", x.o.Public}} {
		if r.r == nil {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
		answers, err := ask(ctx, r.r)
		cancel()
		slices.Sort(answers)
		out = append(out, opinion{r.name, answers, err})
	}
	return out
}

func (x *examination) hostOpinions(ctx context.Context, host string) []opinion {
	return x.opinions(ctx, func(ctx context.Context, r Resolver) ([]string, error) { return r.LookupHost(ctx, host) })
}

func said(o []opinion) string {
	parts := make([]string, len(o))
	for i := range o {
		parts[i] = o[i].String()
	}
	return strings.Join(parts, "; ")
}

// hostOf is the host name of a URL; "" for an address or what is no URL.
func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		return ""
	}
	return u.Hostname()
}
