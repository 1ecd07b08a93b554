package federation_test

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"testing"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/wssecurity"
	"github.com/availd/availd/internal/xmlsec"
)

// BenchmarkAuthenticate is the scanned request's way through the Verifier, replay keys in memory: cold has never seen
// the token, cached has.
func BenchmarkAuthenticate(b *testing.B) {
	for _, name := range []string{"cold", "cached"} {
		b.Run(name, func(b *testing.B) {
			w, v := newWorld(b)
			env := parse(b, genuine(b))
			b.ReportAllocs()
			for b.Loop() {
				clear(w.seen)
				if name == "cold" {
					v.Flush()
				}
				if _, err := v.Authenticate(b.Context(), env); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCryptoFloor does only the primitive operations of the above, on the same sizes: what no code can save.
func BenchmarkCryptoFloor(b *testing.B) {
	target, broker := pair(b, "target"), pair(b, "broker")
	clear := make([]byte, 3648) // an assertion of profile modern, signed, in whole blocks
	token := make([]byte, 6250) // its EncryptedData
	secret := []byte(proofKey)
	wrapped, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, &target.Key.PublicKey, secret, nil)
	if err != nil {
		b.Fatal(err)
	}
	digest := sha256.Sum256(clear)
	signature, err := rsa.SignPKCS1v15(rand.Reader, broker.Key, crypto.SHA256, digest[:])
	if err != nil {
		b.Fatal(err)
	}
	message := func() { // token, Timestamp, To, SignedInfo, replay key
		sha256.Sum256(token)
		sha256.Sum256(clear[:350])
		sha256.Sum256(clear[:200])
		mac := hmac.New(sha256.New, secret)
		mac.Write(clear[:1000])
		sha256.Sum256(mac.Sum(nil))
	}
	b.Run("cached", func(b *testing.B) {
		for b.Loop() {
			message()
		}
	})
	b.Run("cold", func(b *testing.B) {
		plain := make([]byte, len(clear))
		for b.Loop() {
			key, err := rsa.DecryptOAEP(sha1.New(), nil, target.Key, wrapped, nil)
			if err != nil {
				b.Fatal(err)
			}
			block, err := aes.NewCipher(key)
			if err != nil {
				b.Fatal(err)
			}
			cipher.NewCBCDecrypter(block, clear[:16]).CryptBlocks(plain, clear)
			sha256.Sum256(clear[:700]) // SignedInfo
			if err := rsa.VerifyPKCS1v15(&broker.Key.PublicKey, crypto.SHA256, digest[:], signature); err != nil {
				b.Fatal(err)
			}
			sha256.Sum256(clear[:1900]) // the assertion
			message()
		}
	})
}

func BenchmarkSignMessage(b *testing.B) {
	p := wssecurity.ProofParams{To: "https://mail.contoso.example/EWS/Exchange.asmx/wssecurity", Action: "x", MessageID: federation.NewURN(),
		Token: make([]byte, 5000), ProofKey: []byte(proofKey), AssertionID: "uuid-1", Algorithm: xmlsec.HMACSHA256, Now: clock().Add(time.Second)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := wssecurity.ProofHeaders(p); err != nil {
			b.Fatal(err)
		}
	}
}
