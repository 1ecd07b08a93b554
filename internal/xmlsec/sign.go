package xmlsec

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

// Signer signs with an organization's or a gateway's RSA key.
type Signer struct {
	Key         *rsa.PrivateKey
	Certificate *x509.Certificate
	Algorithm   SignatureAlgorithm // RSASHA256 or RSASHA1
}

// SignEnveloped appends an enveloped signature (exc-c14n, KeyInfo/X509Data) as last child of the root of doc, which
// must carry the id attribute idAttr ("AssertionID" or "wsu:Id"), and returns the new bytes.
func SignEnveloped(doc []byte, idAttr string, s Signer) ([]byte, error) {
	tree := etree.NewDocument()
	if err := tree.ReadFromBytes(doc); err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	if tree.Root() == nil {
		return nil, errors.New("signing: the document is empty")
	}
	ctx, err := dsig.NewSigningContext(s.Key, [][]byte{s.Certificate.Raw})
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	ctx.IdAttribute = idAttr
	ctx.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	if err := ctx.SetSignatureMethod(s.Algorithm.suite().method); err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	signed, err := ctx.SignEnveloped(tree.Root().Copy())
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	out := etree.NewDocument()
	out.SetRoot(signed)
	out.WriteSettings = etree.WriteSettings{CanonicalText: true, CanonicalAttrVal: true, CanonicalEndTags: true}
	return out.WriteToBytes()
}

// SignDetached signs the elements of doc that carry the given ids, each exc-c14n in its context, and returns the
// ds:Signature to be put into doc afterwards. keyInfo is put inside ds:KeyInfo as it is.
func SignDetached(doc []byte, ids []string, key Key, alg SignatureAlgorithm, keyInfo []byte) ([]byte, error) {
	d, err := Scan(doc, verifiedLimits(len(doc)))
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	su := alg.suite()
	info := make([]byte, 0, 1024)
	info = fmt.Appendf(info, `<SignedInfo xmlns="%s"><CanonicalizationMethod Algorithm="%s"></CanonicalizationMethod><SignatureMethod Algorithm="%s"></SignatureMethod>`, NSDS, algC14N, su.method)
	for _, id := range ids {
		e := d.ByID(id)
		if e.IsZero() {
			return nil, fmt.Errorf("signing: no element has the id %q", id)
		}
		h := su.new()
		canonical, err := canonicalizeWithout(e, Element{})
		if err != nil {
			return nil, fmt.Errorf("signing: %w", err)
		}
		h.Write(canonical)
		info = fmt.Appendf(info, `<Reference URI="#%s"><Transforms><Transform Algorithm="%s"></Transform></Transforms><DigestMethod Algorithm="%s"></DigestMethod><DigestValue>%s</DigestValue></Reference>`,
			id, algC14N, su.digest, base64.StdEncoding.EncodeToString(h.Sum(nil)))
	}
	info = append(info, "</SignedInfo>"...) // canonical as it stands
	var value []byte
	switch {
	case su.hmac && key.secret != nil:
		mac := hmac.New(su.new, key.secret)
		mac.Write(info)
		value = mac.Sum(nil)
	case !su.hmac && key.private != nil:
		h := su.new()
		h.Write(info)
		if value, err = rsa.SignPKCS1v15(rand.Reader, key.private, su.hash, h.Sum(nil)); err != nil {
			return nil, fmt.Errorf("signing: %w", err)
		}
	default:
		return nil, errors.New("signing: the key is not of the kind of the algorithm")
	}
	out := fmt.Appendf(nil, `<Signature xmlns="%s">`, NSDS)
	out = append(out, info...)
	out = fmt.Appendf(out, "<SignatureValue>%s</SignatureValue>", base64.StdEncoding.EncodeToString(value))
	if len(keyInfo) > 0 {
		out = append(append(append(out, "<KeyInfo>"...), keyInfo...), "</KeyInfo>"...)
	}
	return append(out, "</Signature>"...), nil
}
