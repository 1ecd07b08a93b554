package xmlsec

import (
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"strings"
	"time"
)

// ErrSignature is every failure of a signature. What wraps it says why, for the log only.
var ErrSignature = errors.New("signature is not valid")

func badSignature(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrSignature, fmt.Sprintf(format, args...))
}

// MinRSABits is the least length of an RSA key that may sign or decrypt.
const MinRSABits = 2048

// VerifyPolicy says what a peer may use.
type VerifyPolicy struct {
	AllowSHA1 bool      // rsa-sha1 with sha1 digests; HMACs are not affected
	Now       time.Time // certificates must be valid then
}

// Verified is content that a trusted signature covers, scanned anew from the very bytes that were digested. Only this
// package can make one.
type Verified struct{ root Element }

// Root is the verified element, in a document of its own.
func (v Verified) Root() Element { return v.root }

// SignatureAlgorithm of what we sign; each goes with the digest of the same size.
type SignatureAlgorithm uint8

// The algorithms.
const (
	RSASHA256 SignatureAlgorithm = iota
	RSASHA1
	HMACSHA256
	HMACSHA1
)

type suite struct {
	method, digest string
	hash           crypto.Hash
	new            func() hash.Hash
	hmac           bool
}

func (a SignatureAlgorithm) suite() suite {
	switch a {
	case RSASHA1:
		return suite{algRSASHA1, algSHA1, crypto.SHA1, sha1.New, false}
	case HMACSHA256:
		return suite{algHMACSHA256, algSHA256, crypto.SHA256, sha256.New, true}
	case HMACSHA1:
		return suite{algHMACSHA1, algSHA1, crypto.SHA1, sha1.New, true}
	default:
		return suite{algRSASHA256, algSHA256, crypto.SHA256, sha256.New, false}
	}
}

func suiteOf(method string) (suite, bool) {
	for _, a := range []SignatureAlgorithm{RSASHA256, RSASHA1, HMACSHA256, HMACSHA1} {
		if s := a.suite(); s.method == method {
			return s, true
		}
	}
	return suite{}, false
}

// Key makes or checks a detached signature. A secret can never be used as a public key nor the reverse.
type Key struct {
	secret  []byte
	public  *x509.Certificate
	private *rsa.PrivateKey
}

// HMACKey is a proof key.
func HMACKey(secret []byte) Key { return Key{secret: secret} }

// PublicKey is a trusted certificate's key.
func PublicKey(c *x509.Certificate) Key { return Key{public: c} }

// PrivateKey signs.
func PrivateKey(k *rsa.PrivateKey) Key { return Key{private: k} }

// reference is one ds:Reference after the check of its shape.
type signedRef struct {
	target  Element
	digest  []byte
	newHash func() hash.Hash
}

// parsed is a ds:Signature whose shape is one of ours and whose algorithms are known.
type parsed struct {
	element, info Element
	suite         suite
	refs          []signedRef
	value         []byte
}

// parseSignature checks the exact shape of a ds:Signature (XML-DSig 4.1 to 4.4) before any cryptography.
func parseSignature(sig Element, maxRefs int, enveloped bool) (*parsed, error) {
	if !sig.Is(NSDS, "Signature") {
		return nil, badSignature("there is no Signature")
	}
	kids := childNames(sig)
	if kids != "SignedInfo SignatureValue" && kids != "SignedInfo SignatureValue KeyInfo" {
		return nil, badSignature("Signature has the children %q", kids)
	}
	p := &parsed{element: sig, info: sig.Child(NSDS, "SignedInfo")}
	if alg := algorithm(p.info.Child(NSDS, "CanonicalizationMethod")); alg != algC14N {
		return nil, badSignature("canonicalization %q", alg)
	}
	method := algorithm(p.info.Child(NSDS, "SignatureMethod"))
	var ok bool
	if p.suite, ok = suiteOf(method); !ok {
		return nil, badSignature("signature method %q", method)
	}
	n := 0
	for c := range p.info.Children() {
		switch n++; {
		case n == 1 && c.Is(NSDS, "CanonicalizationMethod"), n == 2 && c.Is(NSDS, "SignatureMethod"):
		case n > 2 && n <= 2+maxRefs && c.Is(NSDS, "Reference"):
			ref, err := parseReference(c, enveloped)
			if err != nil {
				return nil, err
			}
			p.refs = append(p.refs, ref)
		default:
			return nil, badSignature("SignedInfo has a child %s in place %d", c.Local(), n)
		}
	}
	if len(p.refs) == 0 {
		return nil, badSignature("SignedInfo has no Reference")
	}
	var err error
	if p.value, err = base64Text(sig.Child(NSDS, "SignatureValue")); err != nil {
		return nil, badSignature("SignatureValue: %v", err)
	}
	return p, nil
}

// childNames joins the names of the children by blanks; a child of another namespace has a name that fits nowhere.
func childNames(e Element) string {
	names := make([]byte, 0, 64)
	for c := range e.Children() {
		if c.Space() != NSDS {
			return "{" + c.Space() + "}" + c.Local()
		}
		if len(names) > 0 {
			names = append(names, ' ')
		}
		names = append(names, c.Local()...)
	}
	return string(names)
}

// algorithm returns the Algorithm of e, "" when e is not just that attribute: HMACOutputLength, InclusiveNamespaces and
// other parameters are refused here.
func algorithm(e Element) string {
	if e.IsZero() || len(e.attrs()) != 1 {
		return ""
	}
	if text, err := e.Text(); err != nil || strings.TrimSpace(text) != "" {
		return ""
	}
	alg, _ := e.Attr("Algorithm")
	return alg
}

func parseReference(ref Element, enveloped bool) (signedRef, error) {
	var r signedRef
	if kids := childNames(ref); kids != "Transforms DigestMethod DigestValue" {
		return r, badSignature("Reference has the children %q", kids)
	}
	uri, _ := ref.Attr("URI")
	if len(ref.attrs()) != 1 || len(uri) < 2 || uri[0] != '#' {
		return r, badSignature("Reference URI %q is not an id of this document", uri)
	}
	if r.target = ref.doc.ByID(uri[1:]); r.target.IsZero() {
		return r, badSignature("Reference URI %q names nothing", uri)
	}
	want := []string{algC14N}
	if enveloped {
		want = []string{algEnveloped, algC14N}
	}
	i := 0
	for t := range ref.Child(NSDS, "Transforms").Children() {
		if i >= len(want) || !t.Is(NSDS, "Transform") || algorithm(t) != want[i] {
			return r, badSignature("transform %d is not the one that must be there", i+1)
		}
		i++
	}
	if i != len(want) {
		return r, badSignature("%d transforms where %d must be", i, len(want))
	}
	switch alg := algorithm(ref.Child(NSDS, "DigestMethod")); alg {
	case algSHA1:
		r.newHash = sha1.New
	case algSHA256:
		r.newHash = sha256.New
	default:
		return r, badSignature("digest method %q", alg)
	}
	var err error
	if r.digest, err = base64Text(ref.Child(NSDS, "DigestValue")); err != nil {
		return r, badSignature("DigestValue: %v", err)
	}
	return r, nil
}

func base64Text(e Element) ([]byte, error) {
	text, err := e.Text()
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(strings.Map(func(r rune) rune {
		if r < 0x80 && isSpace(byte(r)) {
			return -1
		}
		return r
	}, text))
}

// check verifies SignedInfo with key and every digest; it returns the canonical bytes of each reference.
func (p *parsed) check(key Key, policy VerifyPolicy, skip Element) ([][]byte, error) {
	if err := p.checkInfo(key, policy); err != nil {
		return nil, err
	}
	var out [][]byte
	for _, r := range p.refs {
		if !p.suite.hmac && !policy.AllowSHA1 && r.newHash().Size() == sha1.Size {
			return nil, badSignature("sha1 digests are not allowed by the trust's profile")
		}
		bytes, err := canonicalizeWithout(r.target, skip)
		if err != nil {
			return nil, badSignature("%v", err)
		}
		h := r.newHash()
		h.Write(bytes)
		if subtle.ConstantTimeCompare(h.Sum(nil), r.digest) != 1 {
			return nil, badSignature("the digest of %s does not match", r.target.Local())
		}
		out = append(out, bytes)
	}
	return out, nil
}

// checkInfo verifies the SignatureValue over SignedInfo: before it fits, nothing that a stranger shaped is canonicalized
// but SignedInfo itself, whose shape is fixed.
func (p *parsed) checkInfo(key Key, policy VerifyPolicy) error {
	info, err := canonicalizeWithout(p.info, Element{})
	if err != nil {
		return badSignature("%v", err)
	}
	switch {
	case len(key.secret) > 0 && p.suite.hmac:
		mac := hmac.New(p.suite.new, key.secret)
		mac.Write(info)
		if !hmac.Equal(mac.Sum(nil), p.value) {
			return badSignature("the HMAC does not match")
		}
	case key.public != nil && !p.suite.hmac:
		pub, ok := key.public.PublicKey.(*rsa.PublicKey)
		switch {
		case !ok || pub.N.BitLen() < MinRSABits || pub.E < 65537:
			return badSignature("the trusted key is not RSA of at least %d bits", MinRSABits)
		case p.suite.hash == crypto.SHA1 && !policy.AllowSHA1:
			return badSignature("rsa-sha1 is not allowed by the trust's profile")
		case policy.Now.Before(key.public.NotBefore) || policy.Now.After(key.public.NotAfter):
			return badSignature("the trusted certificate is not valid at %s", policy.Now.UTC().Format(time.RFC3339))
		}
		sum := p.suite.new()
		sum.Write(info)
		if rsa.VerifyPKCS1v15(pub, p.suite.hash, sum.Sum(nil), p.value) != nil {
			return badSignature("the RSA signature does not match")
		}
	default:
		return badSignature("the key is not of the kind of the signature method")
	}
	return nil
}

// VerifyEnveloped checks the one signature that is the last child of root and covers root by its id attribute
// ("AssertionID", or "wsu:Id"), made by the key of one of certs. KeyInfo gives no key. It returns what was
// digested, scanned anew, and the certificate whose key it was.
func VerifyEnveloped(root Element, idAttr string, certs []*x509.Certificate, p VerifyPolicy) (Verified, *x509.Certificate, error) {
	var sig, last Element
	for c := range root.Children() {
		last = c
	}
	for i := int32(0); root.doc != nil && i < int32(len(root.doc.nodes)); i++ {
		if e := (Element{root.doc, i}); e.Is(NSDS, "Signature") {
			if !sig.IsZero() {
				return Verified{}, nil, badSignature("there are several Signatures")
			}
			sig = e
		}
	}
	if sig.IsZero() || sig != last || sig.Parent() != root || !root.Parent().IsZero() {
		return Verified{}, nil, badSignature("the Signature is not the last child of the document's root")
	}
	var id string
	var ok bool
	if idAttr == "wsu:Id" {
		id, ok = root.AttrNS(NSWSU, "Id")
	} else {
		id, ok = root.Attr(idAttr)
	}
	if dup := root.doc.DuplicateID(); !ok || id == "" || dup != "" {
		return Verified{}, nil, badSignature("the id %s is missing, or an id is there twice", idAttr)
	}
	sp, err := parseSignature(sig, 1, true)
	if err != nil {
		return Verified{}, nil, err
	}
	if _, err := Hint(sig); err != nil { // KeyInfo gives no key; RetrievalMethod and the like are refused, not followed
		return Verified{}, nil, badSignature("%v", err)
	}
	if sp.refs[0].target != root {
		return Verified{}, nil, badSignature("the Reference is not to the element around the Signature")
	}
	err = badSignature("no certificate is trusted")
	for _, c := range certs {
		if c == nil {
			continue
		}
		var covered [][]byte
		if covered, err = sp.check(PublicKey(c), p, sig); err == nil {
			doc, scanErr := Scan(covered[0], verifiedLimits(len(root.doc.raw)))
			if scanErr != nil {
				return Verified{}, nil, badSignature("the verified bytes cannot be read: %v", scanErr)
			}
			return Verified{doc.Root()}, c, nil
		}
	}
	return Verified{}, nil, err
}

// verifiedLimits admits what an already scanned document can become by canonicalization.
func verifiedLimits(n int) Limits {
	l := DocumentLimits()
	l.Bytes, l.CommentsAllowed = max(l.Bytes, maxCanonical(n)), false
	return l
}

// SignatureValue returns the decoded bytes of a ds:Signature's value: the same for every spelling of its base64, so
// that white space, references or CDATA sections make no other signature of it.
func SignatureValue(signature Element) ([]byte, error) {
	value, err := signature.Only(NSDS, "SignatureValue")
	if err != nil {
		return nil, badSignature("%v", err)
	}
	return base64Text(value)
}

// VerifyDetached checks a header signature of one to three same-document references (exc-c14n only) with key and
// returns the elements it covers, by identity.
func VerifyDetached(signature Element, key Key, p VerifyPolicy) ([]Element, error) {
	if dup := signature.doc; dup != nil && dup.DuplicateID() != "" {
		return nil, badSignature("an id is there twice")
	}
	sp, err := parseSignature(signature, 3, false)
	if err != nil {
		return nil, err
	}
	if _, err := sp.check(key, p, Element{}); err != nil {
		return nil, err
	}
	var covered []Element
	for _, r := range sp.refs {
		covered = append(covered, r.target)
	}
	return covered, nil
}
