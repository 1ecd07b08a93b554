package ews_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/availd/availd/ews"
	"github.com/availd/availd/internal/fault"
)

func describe(t *testing.T, url string) string {
	t.Helper()
	w := httptest.NewRecorder()
	ews.NewDescriptionHandler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, url, nil))
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/xml; charset=utf-8" {
		t.Fatalf("%s: HTTP %d %s", url, w.Code, w.Header().Get("Content-Type"))
	}
	return w.Body.String()
}

// xmllint validates files by the schema that the description holds; out is what it says of those that are not valid.
func xmllint(t *testing.T, files ...string) (out string, valid bool) {
	t.Helper()
	tool, err := exec.LookPath("xmllint")
	if err != nil {
		t.Skip("xmllint is not installed")
	}
	b, err := exec.CommandContext(t.Context(), tool, append([]string{"--noout", "--nonet", "--schema", "testdata/envelope.xsd"}, files...)...).CombinedOutput()
	return string(b), err == nil
}

// TestDescriptionHoldsWhatIsServed says that our own schema is no other than what the handler takes and gives.
func TestDescriptionHoldsWhatIsServed(t *testing.T) {
	requests, err := filepath.Glob("testdata/*/*.request.xml")
	if err != nil || len(requests) == 0 {
		t.Fatal("no stories", err)
	}
	var served, refused []string
	for _, request := range requests {
		response := strings.TrimSuffix(request, ".request.xml") + ".response.xml"
		b, err := os.ReadFile(response)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case !strings.Contains(string(b), "<s:Fault>"):
			served = append(served, request, response)
		case strings.Contains(string(b), "ErrorSchemaValidation") && !strings.Contains(request, "must-understand"):
			refused = append(refused, request)
		}
	}
	if out, ok := xmllint(t, served...); !ok {
		t.Errorf("the schema refuses what is served:\n%.4000s", out)
	}
	if len(refused) == 0 {
		t.Error("no story of a request that the schema refuses")
	}
	for _, request := range refused {
		if _, ok := xmllint(t, request); ok {
			t.Errorf("the schema takes %s, the handler does not", request)
		}
	}
}

// TestDescriptionNamesEveryResponseCode says that a client generated from the schema knows each code that it may get.
func TestDescriptionNamesEveryResponseCode(t *testing.T) {
	schema := describe(t, "https://mail.contoso.example/EWS/Messages.xsd")
	for _, row := range fault.Table() {
		if row.EWS != "" && !strings.Contains(schema, `"`+row.EWS+`"`) {
			t.Errorf("%s is missing", row.EWS)
		}
	}
	dir := os.Getenv("EWS_XSD_DIR")
	if dir == "" {
		return
	}
	official, err := os.ReadFile(filepath.Join(dir, "messages.xsd"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`enumeration value="(\w+)"`).FindAllStringSubmatch(schema, -1) {
		if !strings.Contains(string(official), `value="`+m[1]+`"`) {
			t.Errorf("%s is no code of Exchange's", m[1])
		}
	}
}

// TestDescriptionNamesTheServiceThatWasAsked: the address in the WSDL is the one by which the client came, so that what
// is generated from it calls this server; a host name cannot end the attribute.
func TestDescriptionNamesTheServiceThatWasAsked(t *testing.T) {
	for _, path := range []string{"/ews/services.wsdl", "/EWS/Services.wsdl", "/ews/exchange.asmx"} {
		if wsdl := describe(t, "https://mail.contoso.example:8443"+path); !strings.Contains(wsdl, `<soap:address location="https://mail.contoso.example:8443/EWS/Exchange.asmx"/>`) {
			t.Errorf("%s: no address in %s", path, wsdl)
		}
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/EWS/Services.wsdl", nil)
	r.Host = `"/><evil a="`
	w := httptest.NewRecorder()
	ews.NewDescriptionHandler().ServeHTTP(w, r)
	if strings.Contains(w.Body.String(), "<evil") {
		t.Errorf("the host stands bare in %s", w.Body)
	}
}
