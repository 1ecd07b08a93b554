package gateway_test

import (
	"context"
	"crypto/x509"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/federation/gateway"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
)

// calm is chaos with its delays taken out: what stays is what can fail.
func calm(seed uint64) *gateway.Chaos {
	c := gateway.NewChaos(seed)
	c.MaxDelay = time.Millisecond
	return c
}

func TestClientSurvivesChaosWithOneRetry(t *testing.T) {
	w := newWorld(t, func(o *gateway.Options) { o.Chaos = calm(11); o.Limits.TokensPerOrganization = 1000 })
	client := w.client(w.fabrikam, nil)
	const tokens = 300
	first, lost := 0, 0
	for range tokens {
		_, err := client.DelegationToken(t.Context(), request(rita, contoso))
		if err != nil {
			first++
			_, err = client.DelegationToken(t.Context(), request(rita, contoso))
		}
		if err != nil {
			lost++
		}
	}
	t.Logf("%d of %d failed at first, %d for good", first, tokens, lost)
	if first == 0 {
		t.Error("the chaos did nothing")
	}
	if lost > tokens/100 {
		t.Errorf("%d of %d tokens were lost", lost, tokens)
	}
}

// replays has never seen a message.
type replays struct{}

func (replays) ClaimReplay(context.Context, [32]byte, time.Time) (bool, error) { return true, nil }

func TestChaoticTokensAreValid(t *testing.T) {
	w := newWorld(t, func(o *gateway.Options) {
		o.Chaos = calm(3)
		o.Chaos.Refuse, o.Chaos.Cut = 0, 0
		o.Limits.TokensPerOrganization = 1000
	})
	target := *w.contoso
	target.TokenIssuerCertificate, target.Proof = w.options.Signing.Certificate, federation.ProofRequired
	verifier := &federation.Verifier{Trusts: trusts{&target}, Replays: replays{}, Now: w.clock}
	client := w.client(w.fabrikam, nil)
	for i := range 60 {
		token, err := client.DelegationToken(t.Context(), request(rita, contoso))
		must(t, err)
		const to, action = "https://contoso.example/EWS/Exchange.asmx/wssecurity", "urn:x"
		headers, err := token.Headers(to, action, w.clock())
		must(t, err)
		env, err := soap.Parse(soap.Append(nil, soap.V11, "", headers, []byte(`<x xmlns="urn:x"></x>`)), soap.V11, xmlsec.EnvelopeLimits(), nil)
		must(t, err)
		who, err := verifier.Authenticate(t.Context(), env)
		if err != nil || who.Address.String() != rita {
			t.Fatalf("token %d: %v, %v", i, who.Address, err)
		}
	}
}

func TestRolledKeysStayInTheMetadataForOneTurn(t *testing.T) {
	c := calm(1)
	c.Roll = 10 * time.Millisecond
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	before := w.gateway.Keys().Current.Certificate
	go func() { done <- c.RollKeys(ctx, w.gateway) }()
	for w.gateway.Keys().Current.Certificate.Equal(before) {
		time.Sleep(time.Millisecond)
	}
	cancel()
	must(t, <-done)
	m, err := federation.FetchMetadata(t.Context(), w.server.Client(), w.server.URL+gateway.PathMetadata, nil, w.clock())
	must(t, err)
	if k := w.gateway.Keys(); len(m.Certificates) != 2 || !m.Certificates[0].Equal(k.Current.Certificate) || !m.Certificates[1].Equal(k.Previous) {
		t.Error("the metadata does not name the rolled key and the one before")
	}
}

func TestChaosIsLoudOnTheStatusPage(t *testing.T) {
	w := newWorld(t, func(o *gateway.Options) { o.Chaos = calm(1) })
	resp, err := w.server.Client().Get(w.server.URL + "/")
	must(t, err)
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	must(t, err)
	if resp.StatusCode != http.StatusOK || !strings.Contains(string(page), `role="alert">This gateway runs in chaos mode`) {
		t.Errorf("%s: %s", resp.Status, page)
	}
}

func TestNextKeyIsPublishedBeforeItIsUsed(t *testing.T) {
	w := newWorld(t)
	next, err := federation.NewSigningCertificate(w.clock(), 90)
	must(t, err)
	current := w.options.Signing
	must(t, w.gateway.SetKeys(gateway.Keys{Current: current, Next: next.Certificate}))
	metadata := func(trusted *x509.Certificate) []*x509.Certificate {
		t.Helper()
		m, err := federation.FetchMetadata(t.Context(), w.server.Client(), w.server.URL+gateway.PathMetadata, []*x509.Certificate{trusted}, w.clock())
		must(t, err)
		return m.Certificates
	}
	if c := metadata(current.Certificate); len(c) != 2 || !c[0].Equal(current.Certificate) || !c[1].Equal(next.Certificate) {
		t.Error("the metadata does not name current and next")
	}
	must(t, w.gateway.SetKeys(gateway.Keys{Current: next, Previous: current.Certificate}))
	if c := metadata(next.Certificate); len(c) != 2 || !c[0].Equal(next.Certificate) || !c[1].Equal(current.Certificate) {
		t.Error("the metadata does not name the new current key and the previous one")
	}
	must(t, w.gateway.SetKeys(gateway.Keys{Current: next, Previous: current.Certificate, PreviousKey: current.Key}))
	if c := metadata(current.Certificate); len(c) != 2 || !c[0].Equal(next.Certificate) {
		t.Error("a partner that missed the change cannot read of it")
	}
	if err := w.gateway.SetKeys(gateway.Keys{Current: next, Previous: current.Certificate, Next: next.Certificate}); err == nil || !strings.Contains(err.Error(), "room") {
		t.Errorf("three keys: %v", err)
	}
	w.pass(100 * 24 * time.Hour)
	if w.gateway.SetKeys(gateway.Keys{Current: next}) == nil {
		t.Error("an expired key is served")
	}
}
