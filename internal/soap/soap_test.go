package soap_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
)

const (
	open11 = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:a="http://www.w3.org/2005/08/addressing">`
	end    = `</s:Envelope>`
)

func TestEnvelopeIsRead(t *testing.T) {
	env, err := soap.Parse([]byte(open11+`<s:Header><a:Action s:mustUnderstand="1"> urn:do </a:Action><a:To>https://x/</a:To><a:MessageID>urn:uuid:1</a:MessageID><x:y xmlns:x="urn:x"/></s:Header><s:Body><q:Q xmlns:q="urn:q"/></s:Body>`+end), soap.V11, xmlsec.EnvelopeLimits(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if env.Action != "urn:do" || env.To != "https://x/" || env.MessageID != "urn:uuid:1" || !env.Payload.Is("urn:q", "Q") || env.ToElement.Local() != "To" {
		t.Errorf("%+v", env)
	}
	if env, err = soap.Parse([]byte(open11+`<s:Body/>`+end), soap.V11, xmlsec.EnvelopeLimits(), nil); err != nil || !env.Payload.IsZero() || !env.Header.IsZero() {
		t.Errorf("%+v %v", env, err)
	}
}

// TestEnvelopesOfAnotherShapeAreRefused is threats T9 and T10.
func TestEnvelopesOfAnotherShapeAreRefused(t *testing.T) {
	must := func(v string) string {
		return open11 + `<s:Header><x:y xmlns:x="urn:x" s:mustUnderstand="` + v + `"/></s:Header><s:Body/>` + end
	}
	for name, c := range map[string]struct {
		raw  string
		want fault.Kind
	}{
		"no XML":                    {"hello", fault.MalformedXML},
		"another root":              {"<a/>", fault.SchemaValidation},
		"Envelope of no namespace":  {"<Envelope><Body/></Envelope>", fault.SchemaValidation},
		"SOAP 1.2":                  {`<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body/></s:Envelope>`, fault.VersionMismatch},
		"no Body":                   {open11 + `<s:Header/>` + end, fault.SchemaValidation},
		"two Bodies":                {open11 + `<s:Body/><s:Body/>` + end, fault.SchemaValidation},
		"two Headers":               {open11 + `<s:Header/><s:Header/><s:Body/>` + end, fault.SchemaValidation},
		"Header behind the Body":    {open11 + `<s:Body/><s:Header/>` + end, fault.SchemaValidation},
		"something between":         {open11 + `<s:Header/><x/><s:Body/>` + end, fault.SchemaValidation},
		"Body of another namespace": {open11 + `<Body/>` + end, fault.SchemaValidation},
		"two requests":              {open11 + `<s:Body><a/><b/></s:Body>` + end, fault.SchemaValidation},
		"two Actions":               {open11 + `<s:Header><a:Action>x</a:Action><a:Action>y</a:Action></s:Header><s:Body/>` + end, fault.SchemaValidation},
		"an element in To":          {open11 + `<s:Header><a:To><b/></a:To></s:Header><s:Body/>` + end, fault.SchemaValidation},
		"mustUnderstand 1":          {must("1"), fault.MustUnderstand},
		"mustUnderstand true":       {must("true"), fault.MustUnderstand},
	} {
		if _, err := soap.Parse([]byte(c.raw), soap.V11, xmlsec.EnvelopeLimits(), nil); err == nil || fault.KindOf(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := soap.Parse([]byte(must("1")), soap.V11, xmlsec.EnvelopeLimits(), func(space, local string) bool { return space == "urn:x" && local == "y" }); err != nil {
		t.Errorf("a header that is understood: %v", err)
	}
}

// TestCauseNeverGoesToTheWire writes every kind in every style with a cause that would be seen.
func TestCauseNeverGoesToTheWire(t *testing.T) {
	for _, row := range fault.Table() {
		for _, style := range []soap.FaultStyle{soap.StyleEWS, soap.StyleAutodiscover, soap.StyleSTS} {
			w := httptest.NewRecorder()
			soap.WriteFault(w, style, fault.Because(row.Kind, errors.New("canary")), nil)
			if strings.Contains(w.Body.String(), "canary") {
				t.Errorf("%s in style %d: %s", row.Name, style, w.Body)
			}
			if w.Code < 400 {
				t.Errorf("%s in style %d: HTTP %d", row.Name, style, w.Code)
			}
		}
	}
}

func TestAnswersThatAreNoEnvelopesAreErrors(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"a page":          {http.StatusOK, "<html></html>", "Response is not well-formed XML"},
		"HTTP 401":        {http.StatusUnauthorized, "", "The request failed with HTTP status 401: Unauthorized."},
		"HTTP 500 a page": {http.StatusInternalServerError, "<html></html>", "The request failed with HTTP status 500: Internal Server Error."},
		"a fault":         {http.StatusInternalServerError, open11 + `<s:Body><s:Fault><faultcode>s:Client</faultcode><faultstring> why </faultstring></s:Fault></s:Body>` + end, "why"},
		"too long":        {http.StatusOK, open11 + `<s:Body>` + strings.Repeat(" ", 2000) + `</s:Body>` + end, "Response is not well-formed XML"},
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte(c.body))
		}))
		_, err := soap.Post(t.Context(), srv.Client(), soap.Request{URL: srv.URL, Version: soap.V11, Body: []byte(open11 + end), MaxResponse: 1000})
		srv.Close()
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
