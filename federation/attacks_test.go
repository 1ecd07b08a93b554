package federation_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io/fs"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/orgrel"
)

var update = flag.Bool("update", false, "write testdata/attacks anew")

// attack is one stored message: a line "expect: WANT [exchange] [if-present]", then the bytes that were posted.
// WANT is IS, IST or FA (the three security faults), CF or MU (Client and MustUnderstand faults), 5037 (an external
// requester who may see nothing) or ok.
type attack struct {
	name, expect string
	raw          []byte
}

const attackDir = "testdata/attacks"

func storedAttacks(t testing.TB) []attack {
	t.Helper()
	var out []attack
	err := filepath.WalkDir(attackDir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		head, raw, _ := bytes.Cut(b, []byte("\n"))
		expect, ok := strings.CutPrefix(string(head), "expect: ")
		if !ok {
			return errors.New(path + " does not say what to expect")
		}
		name, err := filepath.Rel(attackDir, strings.TrimSuffix(path, ".txt"))
		out = append(out, attack{filepath.ToSlash(name), expect, raw})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func writeAttacks(t *testing.T) {
	t.Helper()
	if err := os.RemoveAll(attackDir); err != nil {
		t.Fatal(err)
	}
	for _, a := range append(tokenAttacks(t), messageAttacks(t)...) {
		path := filepath.Join(attackDir, a.name+".txt")
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append([]byte("expect: "+a.expect+"\n"), a.raw...), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// receive is the whole way of a partner's message, without the network.
func receive(t testing.TB, v *federation.Verifier, raw []byte) (orgrel.Requester, error) {
	t.Helper()
	env, err := soap.Parse(raw, soap.V11, xmlsec.EnvelopeLimits(), nil)
	if err != nil {
		return orgrel.Requester{}, err
	}
	return v.Authenticate(t.Context(), env)
}

func outcome(r orgrel.Requester, err error) string {
	switch {
	case err == nil && r.External && r.May(orgrel.ActionFreeBusy):
		return "ok"
	case err == nil && r.External:
		return "5037"
	case err == nil:
		return "taken for one of ours"
	}
	switch fault.KindOf(err) {
	case fault.InvalidSecurity:
		return "IS"
	case fault.InvalidSecurityToken:
		return "IST"
	case fault.FailedAuthentication:
		return "FA"
	case fault.MalformedXML, fault.SchemaValidation, fault.VersionMismatch:
		return "CF"
	case fault.MustUnderstand:
		return "MU"
	}
	return fault.KindOf(err).Row().Name
}

func TestStoredAttacks(t *testing.T) {
	if *update {
		writeAttacks(t)
	}
	bodies := map[string]string{} // of the security faults: all of a kind are the same bytes
	for _, a := range storedAttacks(t) {
		t.Run(a.name, func(t *testing.T) {
			w, v := newWorld(t)
			want, conditions, _ := strings.Cut(a.expect, " ")
			if strings.Contains(conditions, "exchange") {
				w.trust.Profile = federation.ProfileExchange
			}
			if strings.Contains(conditions, "if-present") {
				w.trust.Proof = federation.ProofIfPresent
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			r, err := receive(t, v, a.raw)
			runtime.ReadMemStats(&after)
			if got := outcome(r, err); got != want {
				t.Fatalf("%s where %s must be: %v", got, want, err)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > uint64(20*len(a.raw))+1<<20 {
				t.Errorf("%d bytes of message allocate %d", len(a.raw), used)
			}
			if want != "IS" && want != "IST" && want != "FA" {
				return
			}
			answer := httptest.NewRecorder()
			soap.WriteFault(answer, soap.StyleEWS, fault.As(err), nil)
			if first, ok := bodies[want]; ok && first != answer.Body.String() {
				t.Errorf("the fault tells it from others of its kind:\n%s\n%s", first, answer.Body)
			}
			bodies[want] = answer.Body.String()
		})
	}
	if len(bodies) != 3 {
		t.Errorf("faults of %d kinds were compared", len(bodies))
	}
}

func TestMessageIsRefusedAgainHoweverItsSignatureIsSpelt(t *testing.T) { // T52
	_, v := newWorld(t)
	raw := string(genuine(t))
	if r, err := receive(t, v, []byte(raw)); outcome(r, err) != "ok" {
		t.Fatal(err)
	}
	head, tail, _ := strings.Cut(raw, "<SignatureValue>")
	value, rest, _ := strings.Cut(tail, "</SignatureValue>")
	for name, spelt := range map[string]string{
		"same":        value,
		"line break":  value[:20] + "\n" + value[20:],
		"blanks":      " " + value + " ",
		"CDATA":       "<![CDATA[" + value + "]]>",
		"reference":   "&#x" + "20;" + value,
		"spare bits":  value[:len(value)-2] + string(value[len(value)-2]+1) + "=",
		"letter code": strings.Replace(value, value[:1], "&#"+itoa(int(value[0]))+";", 1),
	} {
		if r, err := receive(t, v, []byte(head+"<SignatureValue>"+spelt+"</SignatureValue>"+rest)); outcome(r, err) != "IS" {
			t.Errorf("%s: %s %v", name, outcome(r, err), err)
		}
	}
}

func TestReplayedAtOnceOneIsAnswered(t *testing.T) { // T52
	_, v := newWorld(t)
	raw := genuine(t)
	results := make(chan string)
	for range 20 {
		go func() {
			r, err := receive(t, v, raw)
			results <- outcome(r, err)
		}()
	}
	count := map[string]int{}
	for range 20 {
		count[<-results]++
	}
	if count["ok"] != 1 || count["IS"] != 19 {
		t.Errorf("%v", count)
	}
}

func TestVariantsOfOneTokenSoonCostNoDecryption(t *testing.T) { // T39
	_, v := newWorld(t)
	raw := string(genuine(t))
	cut := strings.LastIndex(raw, "</CipherValue></CipherData></EncryptedData>")
	wrapped := strings.Index(raw, "<CipherValue>") + len("<CipherValue>")
	var last error
	for i := range 8 { // each spells the wrapped key otherwise and breaks another byte of the content
		other := "A"
		if raw[cut-8-i] == 'A' {
			other = "B"
		}
		variant := raw[:wrapped] + strings.Repeat(" ", i) + raw[wrapped:cut-8-i] + other + raw[cut-7-i:]
		r, err := receive(t, v, []byte(variant))
		if outcome(r, err) != "IST" {
			t.Fatalf("variant %d: %s %v", i, outcome(r, err), err)
		}
		last = err
	}
	if !strings.Contains(last.Error(), "too many failures") {
		t.Errorf("the eighth variant is still decrypted: %v", last)
	}
}

func TestNoFlippedByteOfAMessageIsTaken(t *testing.T) { // T32
	raw := genuine(t)
	_, v := newWorld(t)
	signed := bytes.Index(raw, []byte("<o:Security"))
	for i := signed; i < bytes.Index(raw, []byte("</o:Security>")); i++ {
		if raw[i] != '<' && bytes.LastIndex(raw[:i], []byte("<CipherValue>")) == bytes.LastIndexByte(raw[:i], '<') && i%8 != 0 {
			continue // of a ciphertext every eighth byte: each costs an RSA operation
		}
		evil := bytes.Clone(raw)
		evil[i] ^= 0x01
		r, err := receive(t, v, evil)
		if outcome(r, err) == "ok" && !harmless(raw, i) {
			t.Fatalf("byte %d flipped (%q) and the message is answered", i, evil[max(0, i-20):i+20])
		}
		v.Flush()
	}
}

// harmless tells whether byte i means nothing: an attribute that nobody reads, or the spare bits at the end of base64.
func harmless(raw []byte, i int) bool {
	open := bytes.LastIndexByte(raw[:i], '<')
	tag := raw[open : open+bytes.IndexByte(raw[open:], '>')]
	if open+len(tag) > i { // inside a tag
		return bytes.Contains(tag, []byte("EncodingType")) || bytes.Contains(tag, []byte(`Id="Assertion0"`)) || bytes.HasPrefix(tag, []byte("<o:Security "))
	}
	return raw[i+1] == '='
}

// FuzzAuthenticate: no message panics the way of a request, and only Alice with her token gets through.
func FuzzAuthenticate(f *testing.F) {
	for _, a := range storedAttacks(f) {
		if len(a.raw) < 16<<10 {
			f.Add(a.raw)
		}
	}
	w, _ := newWorld(f)
	w.trust.Profile, w.trust.Proof = federation.ProfileExchange, federation.ProofIfPresent
	f.Fuzz(func(t *testing.T, raw []byte) {
		v := &federation.Verifier{Trusts: w, Replays: forgetful{}, Now: clock}
		r, err := receive(t, v, raw)
		if err == nil && (!r.External || !r.Domain.IsZero() && r.Domain.String() != "fabrikam.example") {
			t.Fatalf("%+v", r)
		}
		if err != nil && strings.Contains(fault.As(err).Text(), "alice") {
			t.Fatal("the fault's text echoes the message")
		}
	})
}

// forgetful takes every message for new.
type forgetful struct{}

func (forgetful) ClaimReplay(context.Context, [32]byte, time.Time) (bool, error) { return true, nil }
