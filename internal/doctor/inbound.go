package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/availd/availd/autodiscover"
	"github.com/availd/availd/ews"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/orgrel"
)

// inbound goes the way of a partner's lookup to us, through our public names: find us, Autodiscover, EWS, and both with a
// token that we have issued to ourselves.
func (x *examination) inbound(ctx context.Context) way {
	w, _ := x.in.get(func() (way, error) { return x.goIn(ctx), nil })
	return w
}

func (x *examination) goIn(ctx context.Context) way {
	cfg, err := x.configuration(ctx)
	if err == nil && len(cfg.Organization.Domains) == 0 {
		err = errors.New("the organization has no federated domain")
	}
	if err != nil {
		return way{unbegun: err}
	}
	w := way{patience: x.o.Patience}
	epr := "https://autodiscover." + cfg.Organization.Domains[0].String() + "/autodiscover/autodiscover.svc"
	if w.ask(ctx, ownAutodiscover, "GetFederationInformation", epr, func(ctx context.Context) error {
		found, err := x.ownInformation(ctx)
		if err == nil {
			epr = found.info.TargetAutodiscoverEpr
			return nil
		}
		return telling(found.tries, err)
	}) != nil {
		return w
	}
	if w.ask(ctx, ownAutodiscover, "POST without a token", epr, func(ctx context.Context) error { return x.refused(ctx, epr, actionUserSettings) }) != nil {
		return w
	}
	url := cfg.Settings[settingExternalEwsURL]
	if url == "" {
		_ = w.ask(ctx, ownAutodiscover, "ExternalEwsUrl", epr, func(context.Context) error { return errNoExternalURL })
		return w
	}
	url = secured(url)
	if w.ask(ctx, ownEWS, "POST without a token", url, func(ctx context.Context) error { return x.refused(ctx, url, actionUserAvailability) }) != nil {
		return w
	}
	x.askOurselves(ctx, &w, url)
	return w
}

// telling is what says most of a failed discovery: the first place that exists and fails, else the first.
func telling(tries []autodiscover.Try, err error) error {
	for _, t := range tries {
		if _, missing := errors.AsType[*net.DNSError](t.Err); t.Err != nil && !missing {
			return t.Err
		}
	}
	if len(tries) > 0 && tries[0].Err != nil {
		return tries[0].Err
	}
	return err
}

var errNoExternalURL = &autodiscover.Error{Code: "SettingIsNotAvailable", Message: "our own ExternalEwsUrl is not set: partners are told that it is not available"}

// refused sends a message without a token and wants our own refusal: anything else comes from somebody in between.
func (x *examination) refused(ctx context.Context, url, action string) error {
	c, err := x.partnerClient(nil)
	if err != nil {
		return err
	}
	_, err = soap.Post(ctx, c, soap.Request{URL: url, Version: soap.V11, Action: action, UserAgent: userAgent, Body: tokenless()})
	return ourRefusal(err, url)
}

// tokenless is a message that every wssecurity endpoint must refuse.
func tokenless() []byte {
	return soap.Append(nil, soap.V11, "", nil, []byte(`<m:GetUserAvailabilityRequest xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"></m:GetUserAvailabilityRequest>`))
}

// ourRefusal is nil where the answer is the fault for a message without a token.
func ourRefusal(err error, url string) error {
	if f, ok := errors.AsType[*soap.Fault](err); ok && f.Code == "InvalidSecurity" {
		return nil
	}
	if err == nil {
		err = fmt.Errorf("Response is not well-formed XML: %s answered a message without a token", url) //nolint:staticcheck // the text administrators know
	}
	return err
}

// askOurselves sends a signed message through our public URL: nobody on the way may have changed it. That we grant our own
// domain nothing is the answer of a server that has verified the token.
func (x *examination) askOurselves(ctx context.Context, w *way, url string) {
	trust, err := x.trust(ctx)
	if err != nil {
		return
	}
	header, err := x.token(ctx, trust.ApplicationUri, orgrel.ActionFreeBusy)
	if err != nil {
		return // the gateway's checks tell
	}
	_ = w.ask(ctx, ownEWS, "signed message to ourselves", url, func(ctx context.Context) error {
		user, err := x.speaker(ctx)
		if err != nil {
			return err
		}
		h, err := x.partnerClient(nil)
		if err != nil {
			return err
		}
		answer, err := (&ews.Client{URL: url, HTTP: h, UserAgent: userAgent, Header: header}).GetUserAvailability(ctx, x.query(user))
		if err == nil && answer.Results[0].Err != nil && fault.KindOf(answer.Results[0].Err) != fault.NoFreeBusyAccess {
			err = answer.Results[0].Err
		}
		return err
	})
}
