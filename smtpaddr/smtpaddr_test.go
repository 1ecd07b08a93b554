package smtpaddr_test

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/availd/availd/smtpaddr"
)

func TestAddressesThatAreOneAddress(t *testing.T) {
	for in, want := range map[string]string{
		"tom@contoso.example":                    "tom@contoso.example",
		"Tom@CONTOSO.Example":                    "tom@contoso.example",
		"tom+calendar@contoso.example":           "tom+calendar@contoso.example",
		"o'neil=x@contoso.example":               "o'neil=x@contoso.example",
		"a.b.c@x":                                "a.b.c@x",
		strings.Repeat("l", 64) + "@a.example":   strings.Repeat("l", 64) + "@a.example",
		"t@xn--mnchen-3ya.example":               "t@xn--mnchen-3ya.example",
		"t@" + strings.Repeat("d", 63) + ".test": "t@" + strings.Repeat("d", 63) + ".test",
	} {
		if a, err := smtpaddr.ParseAddress(in); err != nil || a.String() != want || a != smtpaddr.MustAddress(want) {
			t.Errorf("%s: %s %v", in, a, err)
		}
	}
}

// TestTricksAreNoAddresses lists how a domain could be made to look like another's (threats T57, T58).
func TestTricksAreNoAddresses(t *testing.T) {
	for _, in := range []string{
		"", "tom", "@contoso.example", "tom@", "tom@@contoso.example", "tom@contoso.example@fabrikam.example",
		`"tom"@contoso.example`, `"tom@contoso.example"@fabrikam.example`, "Tom <tom@contoso.example>", "tom@contoso.example (comment)", "tom(x)@contoso.example",
		"tom@contoso.example,anna@contoso.example", "tom@contoso.example;", "@a.example:tom@contoso.example", "tom%contoso.example", "contoso.example!tom",
		"tom@contoso.example.", "tom@.contoso.example", "tom@contoso..example", ".tom@contoso.example", "tom.@contoso.example", "t..om@contoso.example",
		"tom@-contoso.example", "tom@contoso-.example", "tom@[192.0.2.1]", "tom@contoso.example\n", " tom@contoso.example", "tom@contoso.example ", "to m@contoso.example",
		"tom@contoso.example\x00", "tom@contoso .example", "tom@contoso%2eexample", "tom@contoso/example",
		"tom@contosо.example", "tom@ｃontoso.example", "tom@contoso。example", "tom@conto\u00adso.example", "tom@conto\u200bso.example", "tom@\u212a.example", "tøm@contoso.example",
		strings.Repeat("l", 65) + "@a.example", "t@" + strings.Repeat("d", 64) + ".test", "t@" + strings.Repeat("d.", 127),
	} {
		if a, err := smtpaddr.ParseAddress(in); err == nil || !a.IsZero() {
			t.Errorf("%q is taken for %s", in, a)
		}
	}
}

func TestClientsMayWritePrefixAndBlanks(t *testing.T) {
	for _, in := range []string{"SMTP:tom@contoso.example", "smtp:Tom@contoso.example", "  tom@contoso.example\t"} {
		if a, err := smtpaddr.ParseProxyAddress(in); err != nil || a.String() != "tom@contoso.example" {
			t.Errorf("%q: %s %v", in, a, err)
		}
	}
	for _, in := range []string{"SMTP:", "X500:/o=First", "smtp:smtp:tom@contoso.example"} {
		if a, err := smtpaddr.ParseProxyAddress(in); err == nil {
			t.Errorf("%q is taken for %s", in, a)
		}
	}
}

func TestTypedDomainsBecomeALabels(t *testing.T) {
	for in, want := range map[string]string{"münchen.example": "xn--mnchen-3ya.example", "Contoso.example": "contoso.example"} {
		if d, err := smtpaddr.ParseDomainIDN(in); err != nil || d.String() != want {
			t.Errorf("%s: %s %v", in, d, err)
		}
	}
	for _, in := range []string{"", "a..b", "contoso\u200b.example", "ｃontoso.example", "*.example"} {
		if d, err := smtpaddr.ParseDomainIDN(in); err == nil {
			t.Errorf("%q is taken for %s", in, d)
		}
	}
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-zA-Z0-9!#$&'*+/=?^_{|}~-]{1,20}(\.[a-z0-9]{1,9})?@[a-zA-Z0-9]{1,20}(\.[a-z0-9]{1,9}){0,3}`).Draw(t, "address")
		a, err := smtpaddr.ParseAddress(text)
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		var again smtpaddr.Address
		if err := json.Unmarshal(b, &again); err != nil || again != a || again.String() != strings.ToLower(text) {
			t.Fatalf("%s became %s: %v", a, again, err)
		}
	})
}

func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"tom@contoso.example", "a@b", "@", "tom@contoso.example.", "tom@contosо.example"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := smtpaddr.ParseAddress(s)
		if err != nil {
			return
		}
		if again, err := smtpaddr.ParseAddress(a.String()); err != nil || again != a || len(a.String()) != len(s) {
			t.Errorf("%q became %s and then %s, %v", s, a, again, err)
		}
	})
}
