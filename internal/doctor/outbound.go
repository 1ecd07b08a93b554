package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/availd/availd/autodiscover"
	"github.com/availd/availd/availability"
	"github.com/availd/availd/ews"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// outbound goes the way of a lookup of ours: token, Autodiscover, token, EWS.
func (x *examination) outbound(ctx context.Context) way {
	w, _ := x.out.get(func() (way, error) { return x.goOut(ctx), nil })
	return w
}

func (x *examination) goOut(ctx context.Context) way {
	rel, err := x.relationship(ctx)
	if err == nil {
		err = usable(rel)
	}
	if err == nil && rel.AccessMethod == orgrel.OrgWideFB {
		return x.byAccount(ctx, rel)
	}
	if err == nil {
		_, err = x.trust(ctx)
	}
	if err == nil {
		_, err = x.speaker(ctx)
	}
	if err != nil {
		return way{unbegun: err}
	}
	w := way{patience: x.o.Patience}
	url := rel.TargetSharingEpr
	if url == "" {
		url = x.locate(ctx, &w, rel)
	}
	if url != "" {
		x.askCalendar(ctx, &w, rel, secured(url))
	}
	return w
}

// locate asks the partner's Autodiscover where its EWS is; "" when a leg failed.
func (x *examination) locate(ctx context.Context, w *way, rel *orgrel.OrganizationRelationship) (url string) {
	trust, err := x.trust(ctx)
	if err != nil {
		return ""
	}
	var c *autodiscover.Client
	if w.ask(ctx, atGateway, "token for Autodiscover", trust.TokenIssuerEpr, func(ctx context.Context) (err error) {
		c, err = x.tokenClient(ctx, rel)
		return err
	}) != nil {
		return ""
	}
	epr := secured(rel.TargetAutodiscoverEpr)
	_ = w.ask(ctx, atAutodiscover, "GetUserSettings", epr, func(ctx context.Context) error {
		const setting = autodiscover.SettingExternalEwsUrl
		var settings map[string]string
		d, _ := x.partnerDomain(ctx)
		var err error
		if x.o.Mailbox.IsZero() || x.o.Mailbox.Domain() != d {
			settings, err = c.GetDomainSettings(ctx, epr, d, setting)
		} else {
			settings, err = c.GetUserSettings(ctx, epr, x.o.Mailbox, setting)
		}
		if err == nil && !strings.HasPrefix(settings[setting], "https://") { // a token goes there
			err = &autodiscover.Error{Code: "SettingIsNotAvailable", Message: fmt.Sprintf("the partner's ExternalEwsUrl %.200q is not https", settings[setting])}
		}
		if err == nil {
			url = settings[setting]
		}
		return err
	})
	return url
}

// askCalendar asks the partner's EWS about the mailbox, with a token.
func (x *examination) askCalendar(ctx context.Context, w *way, rel *orgrel.OrganizationRelationship, url string) {
	trust, err := x.trust(ctx)
	if err != nil {
		return
	}
	e := &ews.Client{URL: url, UserAgent: userAgent}
	if w.ask(ctx, atGateway, "token for free/busy", trust.TokenIssuerEpr, func(ctx context.Context) (err error) {
		if e.HTTP, err = x.partnerClient(rel); err != nil {
			return err
		}
		e.Header, err = x.token(ctx, rel.TargetApplicationUri, orgrel.ActionFreeBusy)
		return err
	}) != nil {
		return
	}
	x.askMailbox(ctx, w, e)
}

// byAccount goes the way of an availability address space: one account, no token.
func (x *examination) byAccount(ctx context.Context, rel *orgrel.OrganizationRelationship) way {
	if rel.TargetSharingEpr == "" {
		return way{unbegun: errors.New("the partner is asked by an account and found by POX, which this check does not do; availd freebusy does")}
	}
	h, err := x.partnerClient(rel)
	if err != nil {
		return way{unbegun: err}
	}
	w := way{patience: x.o.Patience}
	x.askMailbox(ctx, &w, &ews.Client{URL: rel.TargetSharingEpr, HTTP: h, UserAgent: userAgent, Username: rel.OrgWideUser, Password: string(rel.OrgWidePassword)})
	return w
}

// askMailbox asks about the mailbox; without one, about postmaster, of whom any answer will do.
func (x *examination) askMailbox(ctx context.Context, w *way, e *ews.Client) {
	_ = w.ask(ctx, atEWS, "GetUserAvailability", e.URL, func(ctx context.Context) error {
		mailbox, named := x.o.Mailbox, true
		if mailbox.IsZero() || x.owns(ctx, mailbox.Domain()) {
			d, _ := x.partnerDomain(ctx)
			var err error
			if mailbox, err = postmaster(d); err != nil {
				return err
			}
			named = false
		}
		answer, err := e.GetUserAvailability(ctx, x.query(mailbox))
		if err == nil && named {
			err = answer.Results[0].Err
		}
		return err
	})
}

// query asks for a week, as a mail program does when a meeting is planned.
func (x *examination) query(a smtpaddr.Address) availability.Query {
	start := x.o.Now().UTC().Truncate(24 * time.Hour)
	return availability.Query{Mailboxes: []availability.Attendee{{Raw: a.String(), Address: a}}, View: availability.DetailedMerged, MergedInterval: 30 * time.Minute,
		Window: availability.Window{Start: start, End: start.AddDate(0, 0, 8)}}
}
