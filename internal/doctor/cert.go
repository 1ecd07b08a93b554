package doctor

import (
	"context"
	"crypto/sha1" //nolint:gosec // Exchange's thumbprints are SHA-1
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/store"
)

// warnDays are how long before its end a certificate is spoken of.
var warnDays = [...]int{7, 30, 60}

func keyChecks() []check {
	return []check{{id: "CERT-01", title: "The organization's private keys can be used", direction: Both,
		cause: "The private key of the organization certificate is missing, or it cannot be opened with this node's master key.",
		fix:   "Give this node the master key of the others (--master-key-file), or restore key file and database from one backup. Where the key is lost: availd trust remove and availd trust create, and tell every partner.",
		run:   checkKeys}}
}

func checkKeys(ctx context.Context, x *examination) verdict {
	cfg, err := x.configuration(ctx)
	switch {
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, store.ErrSchema):
		return fail("the store cannot be read: %v", err).but("Bring the store back; every other check needs it.")
	case err != nil:
		return fail("Federation certificate cannot be found: %v", err)
	case cfg.Trust == nil:
		return fail("no federation trust is configured for this organization").but("availd trust create NAME --metadata-url URL")
	case cfg.Trust.OrgCertificate == nil:
		return fail("the federation trust %q has no organization certificate", cfg.Trust.Name)
	}
	var found []string
	for role, k := range map[string]*federation.KeyPair{"current": cfg.Trust.OrgCertificate, "previous": cfg.Trust.OrgPrevCertificate, "next": cfg.Trust.OrgNextCertificate} {
		if k == nil {
			continue
		}
		if k.Key == nil || !k.Key.PublicKey.Equal(k.Certificate.PublicKey) {
			return fail("Federation certificate with the thumbprint %q cannot be found: its private key is missing", thumbprint(k.Certificate))
		}
		found = append(found, fmt.Sprintf("%s %s", role, thumbprint(k.Certificate)))
	}
	slices.Sort(found)
	return pass("the private keys of %s are here", strings.Join(found, ", "))
}

func certificateChecks() []check {
	return []check{
		{id: "CERT-05", title: "The organization certificate is fit for federation", direction: Both,
			cause: "The certificate lacks what the gateway wants of it: RSA of 2048 bits or more, a Subject Key Identifier, client authentication.",
			fix:   "Take a self-signed certificate (availd trust create makes one), or have one issued with Extended Key Usage 1.3.6.1.5.5.7.3.2 and a Subject Key Identifier.",
			run:   withCertificate(checkFitness)},
		{id: "CERT-02", title: "The organization certificate is valid by the gateway's clock", direction: Both,
			cause: "The certificate was made with a validity that begins in the future of the gateway, for which a time zone is enough.",
			fix:   "Wait until then, or make the certificate anew with NotBefore a day in the past, as availd does.",
			run:   withCertificate(checkBegun)},
		{id: "CERT-03", title: "The certificates of the trust have not expired", direction: Both,
			cause: "A certificate of the federation trust has come to its end, or will soon.",
			fix:   "Roll the organization certificate: availd trust set-next-cert, then availd trust publish-cert. The gateway's: availd trust refresh-metadata.",
			run:   withCertificate(checkExpiry)},
	}
}

func withCertificate(f func(ctx context.Context, x *examination, t *federation.Trust) verdict) func(context.Context, *examination) verdict {
	return func(ctx context.Context, x *examination) verdict {
		t, err := x.trust(ctx)
		if err != nil {
			return skip("%v", err)
		}
		return f(ctx, x, t)
	}
}

func checkFitness(_ context.Context, _ *examination, t *federation.Trust) verdict {
	c := t.OrgCertificate.Certificate
	if _, err := federation.ParseCertificate(federation.EncodeCertificate(c)); err != nil {
		return fail("%s: %v", thumbprint(c), err)
	}
	client := func(u x509.ExtKeyUsage) bool { return u == x509.ExtKeyUsageClientAuth || u == x509.ExtKeyUsageAny }
	if len(c.ExtKeyUsage)+len(c.UnknownExtKeyUsage) > 0 && !slices.ContainsFunc(c.ExtKeyUsage, client) {
		return fail("%s: its Extended Key Usage lacks client authentication (1.3.6.1.5.5.7.3.2)", thumbprint(c))
	}
	return pass("%s: RSA, Subject Key Identifier %s, client authentication", thumbprint(c), hex.EncodeToString(c.SubjectKeyId))
}

// gatewayTime is the gateway's clock where it was told, else ours.
func (x *examination) gatewayTime(ctx context.Context, t *federation.Trust) (now time.Time, whose string) {
	_, _ = x.metadata(ctx)
	if e, ok := x.wire.last(t.TokenIssuerMetadataEpr); ok && e.dated { // also where what it published is not trusted
		return x.o.Now().Add(e.skew), "the gateway's"
	}
	return x.o.Now(), "our"
}

func checkBegun(ctx context.Context, x *examination, t *federation.Trust) verdict {
	c := t.OrgCertificate.Certificate
	now, whose := x.gatewayTime(ctx, t)
	if now.Before(c.NotBefore) {
		return fail("%s is valid from %s, and %s clock says %s", thumbprint(c), stamp(c.NotBefore), whose, stamp(now))
	}
	return pass("%s is valid since %s", thumbprint(c), stamp(c.NotBefore))
}

func checkExpiry(ctx context.Context, x *examination, t *federation.Trust) verdict {
	now, _ := x.gatewayTime(ctx, t)
	certs := []struct {
		name string
		c    *x509.Certificate
	}{{"OrgCertificate", t.OrgCertificate.Certificate}, {"TokenIssuerCertificate", t.TokenIssuerCertificate}}
	var ends []string
	worst := pass("")
	for _, e := range certs {
		if e.c == nil {
			continue
		}
		text := fmt.Sprintf("%s %s until %s", e.name, thumbprint(e.c), stamp(e.c.NotAfter))
		left := int(e.c.NotAfter.Sub(now).Hours() / 24)
		switch {
		case now.After(e.c.NotAfter):
			return fail("%s: it has expired", text)
		case worst.severity == Pass && left <= warnDays[2] && e.c.NotAfter.Sub(e.c.NotBefore) > time.Duration(warnDays[2])*24*time.Hour:
			worst = warn("%s: %d days are left (warned of at %d, %d and %d)", text, left, warnDays[2], warnDays[1], warnDays[0])
		}
		ends = append(ends, text)
	}
	if worst.severity == Pass {
		return pass("%s", strings.Join(ends, "; "))
	}
	return worst
}

// thumbprint is SHA-1 in capitals, as Exchange prints it.
func thumbprint(c *x509.Certificate) string {
	sum := sha1.Sum(c.Raw) //nolint:gosec // a name, not a signature
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
