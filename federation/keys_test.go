package federation

import (
	"testing"
	"time"
)

// TestNewCertificateIsValidInEveryTimeZone makes a certificate where it is morning already, for a gateway whose clock is half a
// day behind.
func TestNewCertificateIsValidInEveryTimeZone(t *testing.T) {
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	k, err := NewOrganizationCertificate(now, 30)
	if err != nil {
		t.Fatal(err)
	}
	c := k.Certificate
	if c.NotBefore.After(now.Add(-14*time.Hour)) || c.NotAfter.Before(now.AddDate(0, 0, 30)) {
		t.Errorf("valid from %s to %s", c.NotBefore, c.NotAfter)
	}
	if c.Subject.CommonName != "Exchange Federated Delegation" || len(c.SubjectKeyId) != 16 {
		t.Errorf("%s with a Subject Key Identifier of %d bytes", c.Subject, len(c.SubjectKeyId))
	}
}
