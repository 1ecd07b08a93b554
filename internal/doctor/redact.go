package doctor

import (
	"net/netip"
	"regexp"
	"slices"
)

var (
	mailAddress = regexp.MustCompile(`[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]+@([A-Za-z0-9.-]+)`)
	ip4Address  = regexp.MustCompile(`\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b`)
	ip6Address  = regexp.MustCompile(`[0-9A-Fa-f]{0,4}(:[0-9A-Fa-f]{0,4}){2,7}`)
)

// Redacted is the report without what a partner's administrator needs not know: users keep their domain only, and network
// addresses are left out. Host names, domains and certificates stay: they are public, and the report is about them.
func (r *Report) Redacted() *Report {
	out := *r
	out.User, out.Mailbox = redact(r.User), redact(r.Mailbox)
	out.Findings = slices.Clone(r.Findings)
	for i := range out.Findings {
		out.Findings[i].Evidence = redact(out.Findings[i].Evidence)
	}
	out.Exchanges = slices.Clone(r.Exchanges)
	for i := range out.Exchanges {
		e := &out.Exchanges[i]
		e.URL, e.Error, e.TLS = redact(e.URL), redact(e.Error), redact(e.TLS)
	}
	return &out
}

func redact(s string) string {
	s = mailAddress.ReplaceAllString(s, "user@$1")
	s = ip4Address.ReplaceAllString(s, "ADDRESS")
	return ip6Address.ReplaceAllStringFunc(s, func(m string) string { // times of day look alike
		if _, err := netip.ParseAddr(m); err == nil {
			return "ADDRESS"
		}
		return m
	})
}
