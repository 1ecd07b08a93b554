package partner

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/availd/availd/autodiscover"
	"github.com/availd/availd/ews"
	"github.com/availd/availd/smtpaddr"
)

// orgWide asks by one account for the whole organization, an availability address space of access method OrgWideFB: Basic
// authentication at the plain Exchange.asmx, found by POX.
type orgWide struct{ caller }

func (o *orgWide) configured() string { return o.rel.TargetSharingEpr }

func (o *orgWide) send(ctx context.Context, url string, anchor smtpaddr.Address, _ bool, call func(ctx context.Context, e *ews.Client) error) error {
	return o.through(ctx, &ews.Client{URL: url, Username: o.rel.OrgWideUser, Password: string(o.rel.OrgWidePassword)}, anchor, call)
}

// epr is the configured POX endpoint, else the one where clients look for a domain's.
func (o *orgWide) epr(d smtpaddr.Domain) string {
	if o.rel.TargetAutodiscoverEpr != "" {
		return o.rel.TargetAutodiscoverEpr
	}
	return "https://autodiscover." + d.String() + "/autodiscover/autodiscover.xml"
}

func (o *orgWide) discover(ctx context.Context, user smtpaddr.Address, _ bool) (endpoint, error) {
	url := o.epr(user.Domain())
	for range maxRedirects + 1 {
		start := time.Now()
		var a poxAnswer
		err := o.gate.do(ctx, func(ctx context.Context) (err error) {
			a, err = postPOX(ctx, o.client, poxRequest{url, user, o.rel.OrgWideUser, string(o.rel.OrgWidePassword), headers(ctx, user)})
			return err
		})
		if err == nil && a.redirectURL == "" {
			return o.endpoint(ctx, start, url, a)
		}
		if err == nil {
			err = follow(o.rel, url, a.redirectURL)
		}
		if err != nil {
			return endpoint{}, o.settled(ctx, start, url, err)
		}
		url = a.redirectURL
	}
	return endpoint{}, failed(phaseAutodiscover, url, fmt.Errorf("there are more than %d redirects", maxRedirects))
}

// endpoint reads where the answer points.
func (o *orgWide) endpoint(ctx context.Context, start time.Time, url string, a poxAnswer) (endpoint, error) {
	switch {
	case a.redirectAddress != "":
		to, err := smtpaddr.ParseProxyAddress(a.redirectAddress)
		return endpoint{moved: to}, o.settled(ctx, start, url, err)
	case a.errorCode != "":
		return endpoint{}, o.settled(ctx, start, url, &autodiscover.Error{Code: a.errorCode, Message: fmt.Sprintf("%s: %s", a.errorCode, a.message)})
	case !strings.HasPrefix(a.asURL, "https://"):
		return endpoint{}, o.settled(ctx, start, url, errors.New("the partner's ASUrl is missing or not https"))
	}
	return endpoint{url: a.asURL}, nil
}
