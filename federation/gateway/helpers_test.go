package gateway_test

import (
	"crypto/sha256"
	"encoding/base64"
	"regexp"
	"testing"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/smtpaddr"
)

func domain(s string) smtpaddr.Domain   { return smtpaddr.MustDomain(s) }
func address(s string) smtpaddr.Address { return smtpaddr.MustAddress(s) }

func domains(names ...string) (out []smtpaddr.Domain) {
	for _, n := range names {
		out = append(out, domain(n))
	}
	return out
}

// newKey is an organization certificate that nobody has registered.
func newKey(w *world) *federation.KeyPair {
	k, err := federation.NewOrganizationCertificate(w.clock(), 90)
	if err != nil {
		panic(err)
	}
	return k
}

// styleSource is what a browser computes of the page's style element.
func styleSource(t *testing.T, page string) string {
	t.Helper()
	m := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(page)
	if m == nil {
		t.Fatal("the page has no style")
	}
	sum := sha256.Sum256([]byte(m[1]))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
