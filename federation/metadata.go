package federation

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
)

const nsFed = "http://schemas.xmlsoap.org/ws/2006/12/federation"

// Metadata is what a gateway publishes (WS-Federation, December 2006 form).
type Metadata struct {
	TokenIssuerUri          string
	TokenIssuerEpr          string
	WebRequestorRedirectEpr string
	Certificates            []*x509.Certificate // current, then previous
	SignedBy                *x509.Certificate   // one of the trusted ones; nil for a document that was not read
	Document                []byte              // as it came; empty for one that was not read
	ServedAt                time.Time           // the gateway's clock when it answered; zero when it did not say
}

// ErrUntrustedMetadata says that none of the trusted certificates signed the document.
var ErrUntrustedMetadata = errors.New("the metadata is not signed by a trusted certificate")

// FetchMetadata reads the document at url. trusted are the certificates one of which must have signed it; with none,
// on first contact, one that it names itself must have, and the caller confirms the fingerprint of SignedBy.
func FetchMetadata(ctx context.Context, c *http.Client, url string, trusted []*x509.Certificate, now time.Time) (*Metadata, error) {
	if !strings.HasPrefix(url, "https://") {
		return nil, fmt.Errorf("metadata URL %q is not https", url)
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.Do(req)
	if err != nil {
		return nil, fmt.Errorf("Unable to access the Federation Metadata document from the federation partner. Detailed information: %w", err) //nolint:staticcheck // the text administrators know
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("Unable to access the Federation Metadata document from the federation partner. Detailed information: %w", &soap.HTTPError{Status: resp.StatusCode}) //nolint:staticcheck // likewise
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 256<<10+1))
	if err != nil {
		return nil, err
	}
	m, err := ParseMetadata(raw, trusted, now)
	if err != nil {
		return nil, err
	}
	m.ServedAt, _ = http.ParseTime(resp.Header.Get("Date"))
	return m, nil
}

// ParseMetadata checks and reads a metadata document.
func ParseMetadata(raw []byte, trusted []*x509.Certificate, now time.Time) (*Metadata, error) {
	limits := xmlsec.DocumentLimits()
	limits.Bytes = 256 << 10
	doc, err := xmlsec.Scan(raw, limits)
	if err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	m, err := readMetadata(doc.Root())
	if err != nil {
		return nil, err
	}
	if len(trusted) == 0 {
		trusted = m.Certificates
	}
	v, signedBy, err := xmlsec.VerifyEnveloped(doc.Root(), "wsu:Id", trusted, xmlsec.VerifyPolicy{AllowSHA1: true, Now: now})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUntrustedMetadata, err)
	}
	if m, err = readMetadata(v.Root()); err != nil {
		return nil, err
	}
	m.Document, m.SignedBy = raw, signedBy
	return m, nil
}

func readMetadata(root xmlsec.Element) (*Metadata, error) {
	if !root.Is(nsFed, "FederationMetadata") {
		return nil, fmt.Errorf("metadata: the root element is %s", root.Local())
	}
	f, err := root.Only(nsFed, "Federation")
	if err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	var m Metadata
	if m.TokenIssuerUri, err = f.Child(nsFed, "TokenIssuerName").Text(); err != nil || m.TokenIssuerUri == "" {
		return nil, errors.New("metadata: TokenIssuerName is missing")
	}
	if m.TokenIssuerEpr, err = f.Child(nsFed, "TokenIssuerEndpoint").Child(soap.NSWSA, "Address").Text(); err != nil || !strings.HasPrefix(m.TokenIssuerEpr, "https://") {
		return nil, errors.New("metadata: TokenIssuerEndpoint is missing or not https")
	}
	if m.WebRequestorRedirectEpr, err = f.Child(nsFed, "WebRequestorRedirectEndpoint").Child(soap.NSWSA, "Address").Text(); err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	for k := range f.Children() {
		if !k.Is(nsFed, "TokenSigningKeyInfo") {
			continue
		}
		text, err := k.Child(xmlsec.NSWSSE, "SecurityTokenReference").Child(xmlsec.NSDS, "X509Data").Child(xmlsec.NSDS, "X509Certificate").Text()
		if err != nil {
			return nil, fmt.Errorf("metadata: %w", err)
		}
		der, err := decodeBase64(text)
		if err != nil {
			return nil, fmt.Errorf("metadata: certificate: %w", err)
		}
		c, err := ParseCertificate(EncodeCertificate(&x509.Certificate{Raw: der}))
		if err != nil {
			return nil, fmt.Errorf("metadata: certificate: %w", err)
		}
		m.Certificates = append(m.Certificates, c)
	}
	if len(m.Certificates) == 0 || len(m.Certificates) > 2 {
		return nil, fmt.Errorf("metadata: %d signing certificates", len(m.Certificates))
	}
	return &m, nil
}

// MarshalMetadata writes the document of a gateway, signed by signer, who must be one of those it names.
func MarshalMetadata(m *Metadata, signer xmlsec.Signer) ([]byte, error) {
	esc := func(s string) string { return string(xmlsec.AppendAttr(nil, s)) }
	b := fmt.Appendf(nil, `<fed:FederationMetadata xmlns:fed="%s" xmlns:wsa="%s" xmlns:wsse="%s" xmlns:wsu="%s" xmlns:ds="%s" wsu:Id="md"><fed:Federation FederationID="%s">`,
		nsFed, soap.NSWSA, xmlsec.NSWSSE, xmlsec.NSWSU, xmlsec.NSDS, esc(m.TokenIssuerUri))
	for i, c := range m.Certificates {
		b = fmt.Appendf(b, `<fed:TokenSigningKeyInfo wsu:Id="stscer%d"><wsse:SecurityTokenReference><ds:X509Data><ds:X509Certificate>%s</ds:X509Certificate></ds:X509Data></wsse:SecurityTokenReference></fed:TokenSigningKeyInfo>`,
			i, base64.StdEncoding.EncodeToString(c.Raw))
	}
	b = fmt.Appendf(b, `<fed:TokenIssuerName>%s</fed:TokenIssuerName><fed:TokenIssuerEndpoint><wsa:Address>%s</wsa:Address></fed:TokenIssuerEndpoint>`, esc(m.TokenIssuerUri), esc(m.TokenIssuerEpr))
	b = fmt.Appendf(b, `<fed:WebRequestorRedirectEndpoint><wsa:Address>%s</wsa:Address></fed:WebRequestorRedirectEndpoint>`, esc(m.WebRequestorRedirectEpr))
	b = append(b, `<fed:TokenTypesOffered><fed:TokenType Uri="urn:oasis:names:tc:SAML:1.0"></fed:TokenType></fed:TokenTypesOffered>`...)
	b = append(b, `<fed:UriNamedClaimTypesOffered><fed:ClaimType Uri="http://schemas.xmlsoap.org/claims/EmailAddress"></fed:ClaimType></fed:UriNamedClaimTypesOffered></fed:Federation></fed:FederationMetadata>`...)
	return xmlsec.SignEnveloped(b, "wsu:Id", signer)
}
