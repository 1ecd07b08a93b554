package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/availd/availd/autodiscover"
	"github.com/availd/availd/availability"
	"github.com/availd/availd/ews"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

const (
	userAgent = "availd-doctor"

	patience = 20 * time.Second
	// slowLeg is what makes a lookup feel broken: mail programs give up after half a minute for all of it.
	slowLeg = 5 * time.Second

	actionUserSettings     = "http://schemas.microsoft.com/exchange/2010/Autodiscover/Autodiscover/GetUserSettings"
	actionUserAvailability = "http://schemas.microsoft.com/exchange/services/2006/messages/GetUserAvailability"
)

// leg is one question on the way of a lookup, asked as a lookup asks it.
type leg struct {
	place place
	what  string // what was asked
	url   string
	took  time.Duration
	err   error
}

// String is the leg as evidence.
func (l leg) String() string {
	said := "answered"
	if l.err != nil {
		said = causeText(l.err)
	}
	return fmt.Sprintf("%s at %s (%s): %s, after %s", l.what, l.place, l.url, said, l.took.Round(time.Millisecond))
}

// way is the legs of a lookup in their order; it ends at the first that fails.
type way struct {
	patience time.Duration
	legs     []leg
	unbegun  error // why there is no way at all
}

// broken is the leg that failed and its case; ok is false on a way that leads through.
func (w way) broken() (l leg, id string, ok bool) {
	if len(w.legs) == 0 || w.legs[len(w.legs)-1].err == nil {
		return l, "", false
	}
	l = w.legs[len(w.legs)-1]
	return l, caseOf(l.place, l.err), true
}

// reached tells whether the way got to a place.
func (w way) reached(p place) bool {
	for _, l := range w.legs {
		if l.place == p {
			return true
		}
	}
	return false
}

// String is the way with the time of every leg.
func (w way) String() string {
	var parts []string
	for _, l := range w.legs {
		parts = append(parts, fmt.Sprintf("%s %s", l.what, l.took.Round(time.Millisecond)))
	}
	return strings.Join(parts, ", ")
}

// ask puts one question within its time and notes how it went.
func (w *way) ask(ctx context.Context, p place, what, url string, question func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, w.patience)
	defer cancel()
	start := time.Now()
	err := question(ctx)
	w.legs = append(w.legs, leg{p, what, url, time.Since(start), err})
	return err
}

// outbound goes the way of a lookup of ours: token, Autodiscover, token, EWS.
func (x *examination) outbound(ctx context.Context) way {
	w, _ := x.out.get(func() (way, error) {
		rel, err := x.relationship(ctx)
		if err == nil {
			err = usable(rel)
		}
		if err == nil && rel.AccessMethod == orgrel.OrgWideFB {
			return x.byAccount(ctx, rel), nil
		}
		if err == nil {
			_, err = x.trust(ctx)
		}
		if err == nil {
			_, err = x.speaker(ctx)
		}
		if err != nil {
			return way{unbegun: err}, nil
		}
		w := way{patience: x.o.Patience}
		url := rel.TargetSharingEpr
		if url == "" {
			url = x.locate(ctx, &w, rel)
		}
		if url != "" {
			x.askCalendar(ctx, &w, rel, secured(url))
		}
		return w, nil
	})
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
		url = settings[setting]
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
		results, err := e.GetUserAvailability(ctx, x.query(mailbox))
		if err == nil && named {
			err = results[0].Err
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

// inbound goes the way of a partner's lookup to us, through our public names: find us, Autodiscover, EWS, and both with a
// token that we have issued to ourselves.
func (x *examination) inbound(ctx context.Context) way {
	w, _ := x.in.get(func() (way, error) {
		cfg, err := x.configuration(ctx)
		if err == nil && len(cfg.Organization.Domains) == 0 {
			err = errors.New("the organization has no federated domain")
		}
		if err != nil {
			return way{unbegun: err}, nil
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
			return w, nil
		}
		if w.ask(ctx, ownAutodiscover, "POST without a token", epr, func(ctx context.Context) error { return x.refused(ctx, epr, actionUserSettings) }) != nil {
			return w, nil
		}
		url := cfg.Settings[settingExternalEwsURL]
		if url == "" {
			_ = w.ask(ctx, ownAutodiscover, "ExternalEwsUrl", epr, func(context.Context) error { return errNoExternalURL })
			return w, nil
		}
		url = secured(url)
		if w.ask(ctx, ownEWS, "POST without a token", url, func(ctx context.Context) error { return x.refused(ctx, url, actionUserAvailability) }) != nil {
			return w, nil
		}
		x.askOurselves(ctx, &w, url)
		return w, nil
	})
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
		results, err := (&ews.Client{URL: url, HTTP: h, UserAgent: userAgent, Header: header}).GetUserAvailability(ctx, x.query(user))
		if err == nil && results[0].Err != nil && fault.KindOf(results[0].Err) != fault.NoFreeBusyAccess {
			err = results[0].Err
		}
		return err
	})
}

// ways are those of the examination's direction.
func (x *examination) ways(ctx context.Context) []way {
	var out []way
	if x.o.Direction&Out != 0 {
		out = append(out, x.outbound(ctx))
	}
	if x.o.Direction&In != 0 {
		out = append(out, x.inbound(ctx))
	}
	return out
}

// symptom is a check that looks for one case on the ways: it fails where a way broke with it.
func symptom(id string, places ...place) func(ctx context.Context, x *examination) verdict {
	return func(ctx context.Context, x *examination) verdict { return x.look(ctx, id, places...) }
}

func (x *examination) look(ctx context.Context, id string, places ...place) verdict {
	var passed, missed []string
	for _, w := range x.ways(ctx) {
		l, found, broken := w.broken()
		if broken && found == id {
			return fail("%s", l)
		}
		for _, p := range places {
			switch {
			case w.reached(p):
				passed = append(passed, fmt.Sprintf("not at %s", p))
			case w.unbegun != nil:
				missed = append(missed, w.unbegun.Error())
			case broken && l.place < p && sameSide(l.place, p):
				missed = append(missed, fmt.Sprintf("%s was not reached: %s", p, found))
			}
		}
	}
	switch {
	case len(passed) > 0:
		return pass("%s", strings.Join(passed, "; "))
	case len(missed) > 0:
		return skip("%s", missed[0])
	}
	return skip("this way was not gone")
}

func sameSide(a, b place) bool { return (a >= ownAutodiscover) == (b >= ownAutodiscover) }
