package directory

import (
	"context"
	"math"

	"github.com/availd/availd/smtpaddr"
)

// MailTipsConfiguration is what a client is told before it asks for MailTips ([MS-OXWCONFIG] 3.1.4.1.3.27).
type MailTipsConfiguration struct {
	Enabled                    bool
	MaxRecipients              int // of one GetMailTips
	MaxMessageSize             int // bytes that the asking person may send
	LargeAudienceThreshold     int // from so many recipients on a message goes to a large audience
	LargeAudienceCap           int // no message goes to more recipients
	ShowExternalRecipientCount bool
	PolicyTipsEnabled          bool
	InternalDomains            []SmtpDomain
}

// SmtpDomain is a domain, maybe with those below it.
type SmtpDomain struct {
	Name              smtpaddr.Domain
	IncludeSubdomains bool
}

// MailTipsConfiguration has Exchange's defaults, as they are not set here; no limit of sent messages is known.
func (s *Service) MailTipsConfiguration(ctx context.Context) (MailTipsConfiguration, error) {
	c := MailTipsConfiguration{Enabled: true, MaxRecipients: MaxMailTipsRecipients, MaxMessageSize: math.MaxInt32, LargeAudienceThreshold: 25, LargeAudienceCap: 1000}
	domains, err := s.Organization.OwnDomains(ctx)
	for _, d := range domains {
		c.InternalDomains = append(c.InternalDomains, SmtpDomain{Name: d})
	}
	return c, err
}
