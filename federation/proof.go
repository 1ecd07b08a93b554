package federation

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"

	"github.com/availd/availd/smtpaddr"
)

// DomainProof is the value of the TXT record at domain by which the holder of certificate proves to the gateway that
// the domain is hers: 88 characters of base64, as Get-FederatedDomainProof prints. What is hashed is our own scheme,
// version 1, since that of Microsoft's gateway is not public. The domain is hashed with it, so a wildcard record
// proves nothing about the names below it.
func DomainProof(domain smtpaddr.Domain, certificate *x509.Certificate) string {
	fingerprint := sha256.Sum256(certificate.Raw)
	sum := sha512.Sum512([]byte("fedproof-v1\n" + domain.String() + "\n" + hex.EncodeToString(fingerprint[:]) + "\n"))
	return base64.StdEncoding.EncodeToString(sum[:])
}
