package federation

import (
	"slices"
	"testing"

	"github.com/availd/availd/smtpaddr"
)

func TestOwnDomainsAreListedOnce(t *testing.T) {
	a, b, c := smtpaddr.MustDomain("a.example"), smtpaddr.MustDomain("b.example"), smtpaddr.MustDomain("c.example")
	o := &Organization{Domains: []smtpaddr.Domain{b, a}, AcceptedDomains: []smtpaddr.Domain{c, b}}
	if got := o.OwnDomains(); !slices.Equal(got, []smtpaddr.Domain{a, b, c}) || !slices.Equal(o.AcceptedDomains, []smtpaddr.Domain{c, b}) {
		t.Errorf("%v of %+v", got, o)
	}
	for _, d := range o.OwnDomains() {
		if !o.Owns(d) {
			t.Errorf("%s is not owned", d)
		}
	}
	if (*Organization)(nil).OwnDomains() != nil {
		t.Error("without an organization there are none")
	}
}
