package gatewayadmin

import (
	"context"
	"crypto/x509"
	"time"

	"github.com/availd/availd/federation/gateway"
	"github.com/availd/availd/internal/fault"
)

// SigningKeys lists the gateway's own.
func (a *Admin) SigningKeys(ctx context.Context) ([]Certificate, error) {
	k, err := a.Keys.Load(a.Now())
	if err != nil {
		return nil, err
	}
	var out []Certificate
	for _, c := range roles(k) {
		v := a.certificate(c.role, c.certificate)
		if v.Since, _, err = a.Store.SigningKeySince(ctx, c.role, v.SHA256); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

type roleOf struct {
	role        string
	certificate *x509.Certificate
}

func roles(k gateway.Keys) []roleOf {
	out := []roleOf{{"current", k.Current.Certificate}}
	if k.Previous != nil {
		out = append(out, roleOf{"previous", k.Previous})
	}
	if k.Next != nil {
		out = append(out, roleOf{"next", k.Next})
	}
	return out
}

// record writes down which key has which role.
func (a *Admin) record(ctx context.Context, verb string, k gateway.Keys) error {
	byRole := map[string]string{}
	for _, c := range roles(k) {
		byRole[c.role] = fingerprint(c.certificate)
	}
	return a.Store.SetSigningKeys(ctx, verb, byRole)
}

// NextSigningKey makes the next signing key; it is in the metadata from now on, so that partners know it when it is used.
func (a *Admin) NextSigningKey(ctx context.Context) error {
	if _, err := a.Keys.MakeNext(a.Now()); err != nil {
		return err
	}
	k, err := a.Keys.Load(a.Now())
	if err != nil {
		return err
	}
	return a.record(ctx, "signing-key next", k)
}

// PublishSigningKey signs with the next key from now on. Before it has been in the metadata for Overlap it is refused
// unless forced: partners that have not read the metadata since would refuse the tokens.
func (a *Admin) PublishSigningKey(ctx context.Context, force bool) error {
	k, err := a.Keys.Load(a.Now())
	if err != nil {
		return err
	}
	if k.Next == nil {
		return fault.New(fault.NotFound, "there is no next signing key")
	}
	since, known, err := a.Store.SigningKeySince(ctx, "next", fingerprint(k.Next))
	if err != nil {
		return err
	}
	if ready := since.Add(a.Overlap); !force && (!known || a.Now().Before(ready)) {
		return fault.New(fault.Conflict, "the next signing key has been in the metadata since %s; partners may not know it before %s", since.Format(time.RFC3339), ready.Format(time.RFC3339))
	}
	if err := a.Keys.Publish(); err != nil {
		return err
	}
	if k, err = a.Keys.Load(a.Now()); err != nil {
		return err
	}
	return a.record(ctx, "signing-key publish", k)
}

// CurrentKeys loads the keys to serve with. It takes note of keys that were put into the folder by hand, and drops a
// previous certificate when no token that it signed can be valid any more.
func (a *Admin) CurrentKeys(ctx context.Context) (gateway.Keys, error) {
	k, err := a.Keys.Load(a.Now())
	if err != nil {
		return k, err
	}
	verb := ""
	for _, c := range roles(k) {
		since, known, err := a.Store.SigningKeySince(ctx, c.role, fingerprint(c.certificate))
		switch {
		case err != nil:
			return k, err
		case !known:
			verb = "signing-key found"
		case c.role == "previous" && a.Now().After(since.Add(a.Accept)):
			if err := a.Keys.DropPrevious(); err != nil {
				return k, err
			}
			k.Previous, verb = nil, "signing-key drop"
		}
	}
	if verb != "" {
		err = a.record(ctx, verb, k)
	}
	return k, err
}
