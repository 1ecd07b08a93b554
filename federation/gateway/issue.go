package gateway

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/record"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/wssecurity"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

const maxRequest = 256 << 10

// grant is what a checked request may have.
type grant struct {
	from, target *Organization
	user         smtpaddr.Address
	action       orgrel.Action
	appliesTo    string
	ids          []string  // of the request and its assertion: each is taken once
	until        time.Time // how long the ids must be remembered
}

func (g *Gateway) serveSTS(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	g.o.Chaos.disturb(r.Context())
	rec := record.New(requestID(), start)
	if c := r.Header.Get("client-request-id"); len(c) <= 64 {
		rec.ClientRequestID = c
	}
	ctx := record.With(r.Context(), rec)
	code := "ok"
	answer, err := g.issue(ctx, w, r)
	if err != nil {
		f := fault.As(err)
		code = f.Kind.Row().Name
		rec.Set(slog.String("cause", f.Error()))
		soap.WriteFault(w, soap.StyleSTS, f, nil)
	} else {
		soap.Write(w, soap.V12, http.StatusOK, answer)
	}
	rec.Set(slog.String("operation", "RequestSecurityToken"), slog.String("instance", g.o.Instance), slog.String("code", code))
	g.o.Log.LogAttrs(ctx, slog.LevelInfo, "request", rec.LogAttrs()...)
}

func requestID() string {
	var id [8]byte
	_, _ = rand.Read(id[:])
	return hex.EncodeToString(id[:])
}

func (g *Gateway) issue(ctx context.Context, w http.ResponseWriter, r *http.Request) ([]byte, error) {
	start := time.Now()
	rec := record.From(ctx)
	from := g.source(r)
	gr, err := g.admit(ctx, w, r, from)
	if err != nil {
		if k := fault.KindOf(err); k != fault.ServerBusy && k != fault.Internal {
			g.failures.Take(from, g.o.Now())
		}
		rec.Failed(record.StepOrganizationTrusted, start, fault.As(err).Error())
		return nil, err
	}
	mutual := ""
	if g.o.RequireMutual {
		mutual = ", whose partner list has the requester"
	}
	rec.Done(record.StepOrganizationTrusted, start, fmt.Sprintf("%s signed with its registered certificate, %s is its domain, %s is registered%s",
		gr.from.ApplicationUri, gr.user.Domain(), gr.target.ApplicationUri, mutual))
	start = time.Now()
	answer, err := g.mint(ctx, gr)
	if err != nil {
		rec.Failed(record.StepTokenIssued, start, err.Error())
		return nil, err
	}
	rec.Set(slog.String("org", gr.from.Name), slog.String("target", gr.target.Name), slog.String("action", string(gr.action)))
	rec.Done(record.StepTokenIssued, start, fmt.Sprintf("%s for %s, lifetime %s, signed %s, encrypted %s to key %x",
		gr.action, gr.target.ApplicationUri, g.o.Lifetime, g.o.Profile, cipherName(g.o.TokenCipher), gr.target.Certificate.SubjectKeyId))
	return answer, nil
}

// admit reads and checks a request. What costs nothing comes first: the source's budget before a byte is read.
func (g *Gateway) admit(ctx context.Context, w http.ResponseWriter, r *http.Request, from string) (*grant, error) {
	if !g.failures.Left(from, g.o.Now()) {
		return nil, &fault.Error{Kind: fault.ServerBusy, Cause: fmt.Errorf("too many refused requests from %s", from), BackOff: time.Second}
	}
	env, err := soap.ReadRequest(w, r, soap.V12, maxRequest, nil)
	if err != nil {
		return nil, err
	}
	gr, err := g.check(ctx, env)
	if err == nil && g.o.Chaos.refuse() {
		err = &fault.Error{Kind: fault.ServerBusy, Cause: errors.New("chaos"), BackOff: time.Second}
	}
	return gr, err
}

// mint writes the answer and takes down the token in the audit; a request that was seen before gets none.
func (g *Gateway) mint(ctx context.Context, gr *grant) ([]byte, error) {
	keys := g.Keys()
	if now := g.o.Now(); now.After(keys.Current.Certificate.NotAfter) {
		g.o.Log.ErrorContext(ctx, "the signing certificate has expired: no tokens are issued", "since", keys.Current.Certificate.NotAfter)
		return nil, fault.Because(fault.Internal, errors.New("the signing certificate has expired"))
	}
	answer, assertionID, err := g.response(gr, keys.Current)
	if err != nil {
		return nil, fault.Because(fault.Internal, err)
	}
	fresh, err := g.o.Registry.Issue(ctx, Issued{g.o.Now(), gr.from.Name, gr.user.String(), gr.target.ApplicationUri, string(gr.action), assertionID}, gr.ids, gr.until)
	switch {
	case err != nil:
		return nil, fault.Because(fault.ServerBusy, err)
	case !fresh:
		return nil, denied("the request or its assertion is a replay")
	}
	return answer, nil
}

func cipherName(a xmlsec.BlockAlgorithm) string {
	return map[xmlsec.BlockAlgorithm]string{xmlsec.AES256CBC: "aes256-cbc", xmlsec.AES128CBC: "aes128-cbc", xmlsec.TripleDESCBC: "tripledes-cbc"}[a]
}

// replays are the ids under which a request is remembered: longer than its Timestamp and its assertion can be valid.
func (gr *grant) replays(messageID, assertionID string, expires time.Time) {
	gr.ids = []string{"message " + gr.from.Name + " " + messageID, "assertion " + gr.from.Name + " " + assertionID}
	gr.until = expires.Add(wssecurity.MaxSpan + 2*wssecurity.Skew)
}
