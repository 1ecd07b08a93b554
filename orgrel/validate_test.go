package orgrel_test

import (
	"strings"
	"testing"

	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

func TestValidateNamesTheRuleThatIsBroken(t *testing.T) {
	for _, c := range []struct {
		story  string
		change func(r *orgrel.OrganizationRelationship)
		want   string
	}{
		{"as it is", func(*orgrel.OrganizationRelationship) {}, ""},
		{"64 characters that are not bytes", func(r *orgrel.OrganizationRelationship) { r.Name = strings.Repeat("ü", 64) }, ""},
		{"65 characters", func(r *orgrel.OrganizationRelationship) { r.Name = strings.Repeat("x", 65) }, "1 to 64 characters"},
		{"no name", func(r *orgrel.OrganizationRelationship) { r.Name = "" }, "1 to 64 characters"},
		{"no domain", func(r *orgrel.OrganizationRelationship) { r.DomainNames = nil }, "1 to 238 domains"},
		{"239 domains", func(r *orgrel.OrganizationRelationship) { r.DomainNames = make([]smtpaddr.Domain, 239) }, "1 to 238 domains"},
		{"plain http", func(r *orgrel.OrganizationRelationship) { r.TargetSharingEpr = "http://x/" }, "TargetSharingEpr"},
		{"credentials in a URL", func(r *orgrel.OrganizationRelationship) { r.TargetAutodiscoverEpr = "https://a:b@x/" }, "credentials"},
		{"a contact that is none", func(r *orgrel.OrganizationRelationship) { r.OrganizationContact = "Tom" }, "OrganizationContact"},
		{"TLS 1.3", func(r *orgrel.OrganizationRelationship) { r.MinTLS = "1.3" }, ""},
		{"TLS 1.1", func(r *orgrel.OrganizationRelationship) { r.MinTLS = "1.1" }, "MinTLS"},
		{"an unknown MailTips level", func(r *orgrel.OrganizationRelationship) { r.MailTipsAccessLevel = "Some" }, "None, Limited, All"},
	} {
		r := &orgrel.OrganizationRelationship{Name: "Fabrikam", DomainNames: []smtpaddr.Domain{smtpaddr.MustDomain("fabrikam.example")}}
		c.change(r)
		err := r.Validate()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.story, err, c.want)
		}
	}
}
