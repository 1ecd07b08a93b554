package doctor

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/orgrel"
)

const settingExternalEwsURL = store.SettingExternalEwsURL

func clockChecks() []check {
	return []check{
		{id: "TOK-06", title: "No web proxy asks us for a password", direction: Both,
			cause: "Outgoing calls go through a web proxy that wants to know who we are.",
			fix:   "Let the proxy pass this server to the gateway and the partners without authentication, or put the credentials into the proxy's URL.",
			run:   checkProxy},
		{id: "TOK-05", title: "The gateway can be reached", direction: Both,
			cause: "Outgoing connections to the gateway are blocked, from this server or from all, or the gateway is down.",
			fix:   "Open TCP 443 to the hosts of TokenIssuerEpr and TokenIssuerMetadataEpr from every node, and give --ca-file where its certificate is not a public one.",
			run:   checkGatewayReached},
		{id: "TIME-01", title: "The clocks agree", direction: Both,
			cause: "Messages carry their time, and more than five minutes of difference is refused by either side.",
			fix:   "Set this server's clock by NTP; where it is right, tell the other one's administrator.",
			run:   checkClocks},
	}
}

func checkProxy(ctx context.Context, x *examination) verdict {
	_, err := x.metadata(ctx)
	if err != nil && proxyCase(err) != "" {
		return fail("outgoing proxy %s: %s", orNone(x.o.Proxy), causeText(err))
	}
	if v := x.look(ctx, "TOK-06"); v.severity == Fail {
		return v
	}
	return pass("outgoing proxy: %s", orNone(x.o.Proxy))
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func checkGatewayReached(ctx context.Context, x *examination) verdict {
	m, err := x.metadata(ctx)
	if err != nil && caseOf(atGateway, err) == "TOK-05" {
		return fail("%s", causeText(err))
	}
	if v := x.look(ctx, "TOK-05", atGateway); v.severity == Fail {
		return v
	}
	if m == nil {
		return skip("%v", err)
	}
	return pass("%s answers; tokens are issued at %s", m.TokenIssuerUri, m.TokenIssuerEpr)
}

// checkClocks compares our clock with that of everybody who told it on the ways.
func checkClocks(ctx context.Context, x *examination) verdict {
	_, _ = x.metadata(ctx)
	x.ways(ctx)
	return x.skew()
}

// skew compares our clock with those that were met so far.
func (x *examination) skew() verdict {
	var worst Exchange
	n := 0
	for _, e := range x.wire.exchanges {
		if !e.dated {
			continue
		}
		n++
		if e.skew.Abs() > worst.skew.Abs() {
			worst = e
		}
	}
	text := fmt.Sprintf("the clock of %s is %s ahead of ours", worst.URL, worst.skew.Round(time.Second))
	switch {
	case n == 0:
		return skip("nobody has told the time")
	case worst.skew.Abs() > 5*time.Minute:
		return fail("%s", text)
	case worst.skew.Abs() > 2*time.Minute:
		return warn("%s", text)
	}
	return pass("%d answers have told their time, which is at most %s from ours", n, (worst.skew.Abs() + time.Second).Truncate(time.Second)) // the header has seconds
}

func gatewayChecks() []check {
	return []check{
		{id: "TOK-03", title: "Both organizations use the same gateway", direction: Both,
			cause: "The organizations have their trusts with different gateways, or instances of one: the token is asked of one that does not know the partner.",
			fix:   "One of the two makes its federation trust anew with the gateway of the other.",
			run:   checkSameIssuer},
		{id: "TOK-01", title: "The certificates of the gateway and of the trust are the current ones", direction: Both,
			cause: "One side knows an outdated certificate: of the gateway's signing key, or of the organization's. Exchange's users read: An error occurred when processing the security tokens in the message.",
			fix:   "availd trust refresh-metadata on both sides; where the organization certificate was changed, availd trust publish-cert.",
			run:   checkIssuer},
		{id: "TOK-04", title: "The gateway knows us and our user", direction: Both,
			cause: "The organization is not enabled, not registered or not approved at the gateway, its certificate there is another one, or the user's domain is not federated.",
			fix:   "availd org show, and at the gateway fedgateway org show: enabled, approved, this certificate, this domain.",
			run:   checkKnown},
		{id: "TOK-02", title: "The wssecurity endpoints are open, and nobody on the way changes messages", direction: Both,
			cause: "The wssecurity endpoints are switched off, or a proxy rewrites messages, which breaks their signatures. Exchange's users read: An error occurred when verifying security for the message.",
			fix:   "availd endpoint wssecurity on; let no proxy or firewall parse, compress or rewrite the bodies of the wssecurity paths.",
			run:   checkEndpoint},
	}
}

func checkIssuer(ctx context.Context, x *examination) verdict {
	t, err := x.FederationTrust(ctx)
	if err != nil || t == nil {
		return skip("there is no federation trust")
	}
	m, err := x.metadata(ctx)
	if err != nil && !errors.Is(err, errNoMetadataEpr) && caseOf(atGateway, err) != "TOK-05" && proxyCase(err) == "" {
		return fail("Unable to retrieve federation metadata from the security token service: %s", causeText(err))
	}
	if m != nil {
		known := []*x509.Certificate{t.TokenIssuerCertificate, t.TokenIssuerPrevCertificate}
		if !slices.ContainsFunc(known, m.Certificates[0].Equal) {
			return fail("the gateway signs with %s, and the trust has %s", thumbprint(m.Certificates[0]), thumbprints(known))
		}
	}
	opened, err := x.opensOwnToken(ctx)
	if err != nil {
		return fail("a token of the gateway for ourselves cannot be used: %v", err)
	}
	if org, err := x.Organization(ctx); err == nil && !org.Enabled {
		return skip("the organization is not enabled for federation: it opens nobody's token")
	}
	if v := x.look(ctx, "TOK-01"); v.severity == Fail {
		return v
	}
	evidence := "the gateway's current certificate is in the trust"
	if m == nil {
		evidence = "the gateway's metadata was not read"
	}
	if opened {
		evidence += ", and a token for ourselves could be opened"
	}
	return pass("%s", evidence)
}

func thumbprints(certs []*x509.Certificate) string {
	var out []string
	for _, c := range certs {
		if c != nil {
			out = append(out, thumbprint(c))
		}
	}
	return list(out)
}

// selfToken is a token that our own user has for ourselves. A gateway that wants mutual lists issues none.
func (x *examination) selfToken(ctx context.Context) (*federation.DelegationToken, error) {
	return x.self.get(func() (*federation.DelegationToken, error) {
		t, err := x.trust(ctx)
		if err != nil {
			return nil, err
		}
		user, err := x.speaker(ctx)
		if err != nil {
			return nil, err
		}
		return x.tokens.DelegationToken(ctx, federation.TokenRequest{User: user, TargetApplicationUri: t.ApplicationUri, Action: orgrel.ActionFreeBusy})
	})
}

// opensOwnToken verifies a token for ourselves as a partner's would be; opened is false where there is none. That none is
// to be had, or that federation is off, is for other checks to tell.
func (x *examination) opensOwnToken(ctx context.Context) (opened bool, err error) {
	org, err := x.Organization(ctx)
	if err != nil || !org.Enabled {
		return false, nil //nolint:nilerr // see above
	}
	tok, err := x.selfToken(ctx)
	if err != nil {
		return false, nil //nolint:nilerr // see above
	}
	err = x.verify(ctx, tok)
	return err == nil, err
}

// verify sends a message with the token to nobody and reads it as our own endpoint would.
func (x *examination) verify(ctx context.Context, tok *federation.DelegationToken) error {
	headers, err := tok.Headers("https://localhost/ews/exchange.asmx/wssecurity", actionUserAvailability, x.o.Now())
	if err != nil {
		return err
	}
	raw := soap.Append(nil, soap.V11, "", headers, []byte("<test/>"))
	env, err := soap.Parse(raw, soap.V11, xmlsec.DocumentLimits(), func(string, string) bool { return true })
	if err != nil {
		return err
	}
	v := &federation.Verifier{Trusts: x, Replays: &replays{}, Now: x.o.Now}
	if _, err := v.Authenticate(ctx, env); err != nil {
		return errors.New(fault.As(err).Error())
	}
	return nil
}

// replays are those of one examination.
type replays struct {
	mu   sync.Mutex
	seen map[[32]byte]bool
}

// ClaimReplay implements [federation.Replays].
func (r *replays) ClaimReplay(_ context.Context, key [32]byte, _ time.Time) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen[key] {
		return false, nil
	}
	if r.seen == nil {
		r.seen = map[[32]byte]bool{}
	}
	r.seen[key] = true
	return true, nil
}

func checkSameIssuer(ctx context.Context, x *examination) verdict {
	t, err := x.FederationTrust(ctx)
	if err != nil || t == nil {
		return skip("there is no federation trust")
	}
	found, err := x.federationInformation(ctx)
	if err == nil && len(found.info.TokenIssuers) > 0 {
		var theirs []string
		for _, i := range found.info.TokenIssuers {
			if federation.NormalizeURI(i.Uri) == federation.NormalizeURI(t.TokenIssuerUri) {
				return pass("both use %s", t.TokenIssuerUri)
			}
			theirs = append(theirs, i.Uri)
		}
		return fail("ours is %s, and the partner's is %s", t.TokenIssuerUri, list(theirs))
	}
	if v := x.look(ctx, "TOK-03", atGateway); v.severity == Fail {
		return v
	}
	return skip("the partner does not tell its token issuers: %s", tried(found.tries))
}

func checkKnown(ctx context.Context, x *examination) verdict {
	org, err := x.Organization(ctx)
	if err != nil {
		return skip("%v", err)
	}
	if !org.Enabled {
		return fail("the organization is not enabled for federation").but("availd org set --enabled")
	}
	user, err := x.speaker(ctx)
	if err != nil {
		return fail("%v", err)
	}
	if v := x.look(ctx, "TOK-04"); v.severity == Fail {
		return v
	}
	spoken, err := x.speaks(ctx)
	if err != nil {
		return skip("the gateway does not answer: %s", causeText(err))
	}
	if err := spoken[user.Domain()]; err != nil {
		return fail("the gateway refuses a token on behalf of %s: %s", user, causeText(err))
	}
	return pass("the gateway issues tokens on behalf of %s", user)
}

func checkEndpoint(ctx context.Context, x *examination) verdict {
	cfg, err := x.configuration(ctx)
	if err != nil {
		return skip("%v", err)
	}
	if x.o.Direction&In != 0 && strings.EqualFold(cfg.Settings[store.SettingWSSecurity], "false") {
		return fail("WSSecurityAuthentication is switched off: the wssecurity paths answer 404 to partners")
	}
	return x.look(ctx, "TOK-02", atAutodiscover, atEWS, ownAutodiscover, ownEWS)
}
