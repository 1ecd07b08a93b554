package xmlsec

import (
	"bytes"
	"errors"
	"os/exec"
	"strings"
	"testing"
)

func TestScanRefusesWhatIsNotStrictXML(t *testing.T) {
	deep := strings.Repeat("<a>", 40) + strings.Repeat("</a>", 40)
	for _, c := range []struct{ name, in, reason string }{
		{"doctype", `<!DOCTYPE a><a/>`, "document type"},
		{"doctype inside", `<a><!DOCTYPE b></a>`, "declaration"},
		{"entity", `<a>&xxe;</a>`, "reference"},
		{"processing instruction", `<?xml-stylesheet href="x"?><a/>`, "processing instruction"},
		{"processing instruction inside", `<a><?php ?></a>`, "processing instruction"},
		{"two roots", `<a/><b/>`, "after the root"},
		{"trailing text", `<a/>x`, "after the root"},
		{"undeclared prefix", `<x:a/>`, "not declared"},
		{"undeclared attribute prefix", `<a x:b="1"/>`, "not declared"},
		{"duplicate attribute", `<a b="1" b="2"/>`, "twice"},
		{"duplicate by namespace", `<a xmlns:p="u" xmlns:q="u" p:b="1" q:b="2"/>`, "twice"},
		{"duplicate xmlns", `<a xmlns="u" xmlns="v"/>`, "twice"},
		{"xml rebound", `<a xmlns:xml="u"/>`, "rebound"},
		{"xmlns bound", `<a xmlns:xmlns="u"/>`, "xmlns"},
		{"empty prefix", `<:a/>`, "qualified name"},
		{"two colons", `<a:b:c xmlns:a="u"/>`, "qualified name"},
		{"NUL reference", `<a>&#0;</a>`, "reference"},
		{"surrogate reference", `<a>&#xD800;</a>`, "reference"},
		{"utf-16 declared", `<?xml version="1.0" encoding="utf-16"?><a/>`, "UTF-8"},
		{"xml 1.1", `<?xml version="1.1"?><a/>`, "1.0"},
		{"control character", "<a>\x01</a>", "control"},
		{"overlong", "<a>\xc0\x80</a>", "UTF-8"},
		{"deep", deep, "deeper"},
		{"mismatched", `<a></b>`, "end tag"},
		{"open", `<a>`, "ends inside"},
		{"empty", ``, "root"},
		{"lt in attribute", `<a b="<"/>`, "attribute value"},
		{"cdata end in text", `<a>]]></a>`, "]]>"},
		{"comment with dashes", `<a><!-- -- --></a>`, "comment"},
	} {
		_, err := Scan([]byte(c.in), EnvelopeLimits())
		if err == nil || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestScanIndexesNamesAttributesAndText(t *testing.T) {
	d, err := Scan([]byte("\ufeff<?xml version=\"1.0\" encoding='UTF-8'?>\n<a xmlns='u' xmlns:p='v' p:x='1' x=' &lt;\n'><p:b/>t<!-- no --><c>1 &amp; <![CDATA[<2>]]></c></a>\n"), EnvelopeLimits())
	if err != nil {
		t.Fatal(err)
	}
	root := d.Root()
	if !root.Is("u", "a") || root.Count("v", "b") != 1 {
		t.Errorf("root %s %s", root.Space(), root.Local())
	}
	if x, _ := root.Attr("x"); x != " < " {
		t.Errorf("x = %q", x)
	}
	if x, _ := root.AttrNS("v", "x"); x != "1" {
		t.Errorf("p:x = %q", x)
	}
	c := root.Child("u", "c")
	if s, err := c.Text(); err != nil || s != "1 & <2>" {
		t.Errorf("text %q %v", s, err)
	}
	if _, err := root.Text(); err == nil {
		t.Error("text of an element with children and a comment is given")
	}
	if line, col := c.Position(); line != 3 || col != 21 {
		t.Errorf("position %d:%d", line, col)
	}
	if string(c.Outer()) != "<c>1 &amp; <![CDATA[<2>]]></c>" {
		t.Errorf("outer %s", c.Outer())
	}
}

func TestDuplicateIDsAreSeen(t *testing.T) {
	d := scanned(t, []byte(`<a Id="x"><b xmlns:u="`+NSWSU+`" u:Id="x"/></a>`))
	if d.DuplicateID() != "x" {
		t.Error("the duplicate id is not seen")
	}
}

// FuzzScan: no panic, and nothing is accepted that libxml2 refuses.
func FuzzScan(f *testing.F) {
	for _, s := range []string{`<a xmlns="u"><b c="d">e</b></a>`, `<?xml version="1.0"?><a><![CDATA[x]]></a>`, `<a:b xmlns:a="u" a:c="&#x41;"/>`} {
		f.Add([]byte(s))
	}
	xmllint, _ := exec.LookPath("xmllint")
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := Scan(raw, EnvelopeLimits())
		if err != nil {
			return
		}
		canon, err := Canonicalize(d.Root())
		if errors.Is(err, errAmplified) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		again, err := Scan(canon, verifiedLimits(len(raw)))
		if err != nil {
			t.Fatalf("our own canonical form is refused: %v\n%s", err, canon)
		}
		if twice, _ := Canonicalize(again.Root()); !bytes.Equal(canon, twice) {
			t.Fatalf("canonicalization is not stable:\n%s\n%s", canon, twice)
		}
		if xmllint == "" || len(raw)%8 != 0 { // a process for each input would leave no time to search
			return
		}
		cmd := exec.CommandContext(t.Context(), xmllint, "--noout", "--nonet", "-")
		cmd.Stdin = bytes.NewReader(raw)
		if out, err := cmd.CombinedOutput(); err != nil || bytes.Contains(out, []byte("Namespace prefix")) {
			t.Fatalf("libxml2 refuses what we accept: %s\n%q", out, raw)
		}
	})
}
