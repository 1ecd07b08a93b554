package gateway

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/availd/availd/federation"
)

// Chaos makes a gateway a hostile but valid one, so that clients learn to be robust: requests that fail and would
// succeed at the second try, delays, cut connections, a wrong clock, tokens in every form that the schema allows, and
// a signing key that is rolled often. A nil Chaos is none.
type Chaos struct {
	Refuse   float64       // share of valid requests refused with a retryable fault
	Cut      float64       // share of connections cut
	MaxDelay time.Duration // before a request is read
	MaxClock time.Duration // how far the clock may be wrong, either way
	Roll     time.Duration // how often the signing key is changed

	mu sync.Mutex
	r  *rand.Rand
}

// NewChaos is the chaos of the documented figures; the same seed makes the same choices.
func NewChaos(seed uint64) *Chaos {
	return &Chaos{Refuse: 0.05, Cut: 0.02, MaxDelay: 3 * time.Second, MaxClock: 4 * time.Minute, Roll: 10 * time.Minute, r: rand.New(rand.NewPCG(seed, seed))}
}

func (c *Chaos) float() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.r.Float64()
}

func (c *Chaos) refuse() bool { return c != nil && c.float() < c.Refuse }

// disturb waits, and cuts the connection now and then.
func (c *Chaos) disturb(ctx context.Context) {
	if c == nil {
		return
	}
	select {
	case <-time.After(time.Duration(c.float() * float64(c.MaxDelay))):
	case <-ctx.Done():
	}
	if c.float() < c.Cut {
		panic(http.ErrAbortHandler)
	}
}

// clock is how wrong the clock is this time.
func (c *Chaos) clock() time.Duration {
	if c == nil {
		return 0
	}
	return time.Duration((2*c.float() - 1) * float64(c.MaxClock)).Truncate(time.Millisecond)
}

func (c *Chaos) idPrefix() string {
	if c == nil {
		return "uuid-"
	}
	prefixes := []string{"uuid-", "_", "saml-", "a.b-c_", "Ä"}
	return prefixes[int(c.float()*float64(len(prefixes)))]
}

func (c *Chaos) shuffle(parts []string) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
}

// disguise gives the namespaces of doc other prefixes and puts white space between its elements.
func (c *Chaos) disguise(doc []byte, prefixes ...string) []byte {
	if c == nil {
		return doc
	}
	s := string(doc)
	for i, p := range prefixes {
		other := fmt.Sprintf("x%d%s", i, strings.Repeat("y", int(c.float()*8)))
		s = strings.NewReplacer("<"+p+":", "<"+other+":", "</"+p+":", "</"+other+":", "xmlns:"+p+"=", "xmlns:"+other+"=").Replace(s)
	}
	return []byte(strings.ReplaceAll(s, "><", ">"+strings.Repeat("\n ", int(c.float()*3))+"<"))
}

// RollKeys gives g a new signing key every c.Roll until ctx ends; the one before stays in the metadata.
func (c *Chaos) RollKeys(ctx context.Context, g *Gateway) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(c.Roll):
		}
		next, err := federation.NewSigningCertificate(g.o.Now(), 30)
		if err == nil {
			was := g.Keys().Current
			err = g.SetKeys(Keys{Current: next, Previous: was.Certificate, PreviousKey: was.Key})
		}
		if err != nil {
			return err
		}
		g.o.Log.WarnContext(ctx, "chaos: the signing key was rolled", "certificate", next.String())
	}
}
