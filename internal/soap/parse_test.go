package soap_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
)

func TestEnvelopeOfAnotherShapeIsRefused(t *testing.T) {
	const env, to = `<s:Envelope xmlns:s="` + soap.NS11 + `" xmlns:a="` + soap.NSWSA + `">`, `<a:To>https://x/</a:To>`
	for name, c := range map[string]struct {
		in   string
		want fault.Kind
	}{
		"no envelope":                  {`<x/>`, fault.SchemaValidation},
		"envelope of SOAP 1.2":         {`<s:Envelope xmlns:s="` + soap.NS12 + `"><s:Body/></s:Envelope>`, fault.VersionMismatch},
		"envelope of no SOAP":          {`<Envelope><Body/></Envelope>`, fault.SchemaValidation},
		"no body":                      {env + `<s:Header/></s:Envelope>`, fault.SchemaValidation},
		"body first":                   {env + `<s:Body/><s:Header/></s:Envelope>`, fault.SchemaValidation},
		"two headers":                  {env + `<s:Header/><s:Header/><s:Body/></s:Envelope>`, fault.SchemaValidation},
		"two requests":                 {env + `<s:Body><x/><y/></s:Body></s:Envelope>`, fault.SchemaValidation},
		"To twice":                     {env + `<s:Header>` + to + to + `</s:Header><s:Body/></s:Envelope>`, fault.SchemaValidation},
		"To twice, empty first":        {env + `<s:Header><a:To/>` + to + `</s:Header><s:Body/></s:Envelope>`, fault.SchemaValidation},
		"comment in To":                {env + `<s:Header><a:To>https://<!-- -->x/</a:To></s:Header><s:Body/></s:Envelope>`, fault.SchemaValidation},
		"unknown header":               {env + `<s:Header><y s:mustUnderstand="true"/></s:Header><s:Body/></s:Envelope>`, fault.MustUnderstand},
		"unknown header, blank around": {env + `<s:Header><y s:mustUnderstand=" 1 "/></s:Header><s:Body/></s:Envelope>`, fault.MustUnderstand},
		"document type":                {`<!DOCTYPE x>` + env + `<s:Body/></s:Envelope>`, fault.MalformedXML},
	} {
		if _, err := soap.Parse([]byte(c.in), soap.V11, xmlsec.EnvelopeLimits(), nil); fault.KindOf(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := soap.Parse([]byte(env+`<s:Header><y s:mustUnderstand="0"/></s:Header><s:Body><x/></s:Body></s:Envelope>`), soap.V11, xmlsec.EnvelopeLimits(), nil); err != nil {
		t.Errorf("a header that need not be understood: %v", err)
	}
}

// unread fails the test when the body is read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body is read")
	return 0, nil
}

func TestRequestIsRefusedBeforeItsBodyIsRead(t *testing.T) { // T81 to T83
	for name, c := range map[string]struct {
		method, media, encoding string
		length                  int64
		want                    fault.Kind
	}{
		"method":            {http.MethodGet, "text/xml", "", 0, fault.MethodNotAllowed},
		"form":              {http.MethodPost, "application/x-www-form-urlencoded", "", 0, fault.UnsupportedMediaType},
		"no content type":   {http.MethodPost, "", "", 0, fault.UnsupportedMediaType},
		"other charset":     {http.MethodPost, "text/xml; charset=utf-16", "", 0, fault.UnsupportedMediaType},
		"SOAP 1.2's type":   {http.MethodPost, "application/soap+xml", "", 0, fault.UnsupportedMediaType},
		"compressed":        {http.MethodPost, "text/xml", "gzip", 0, fault.UnsupportedMediaType},
		"announced too big": {http.MethodPost, "text/xml", "", 10 << 30, fault.TooLarge},
	} {
		r := httptest.NewRequest(c.method, "/", unread{t})
		r.ContentLength = c.length
		r.Header.Set("Content-Type", c.media)
		r.Header.Set("Content-Encoding", c.encoding)
		if _, err := soap.ReadRequest(httptest.NewRecorder(), r, soap.V11, 1000, nil); fault.KindOf(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(strings.Repeat("x", 1001)))
	r.ContentLength = -1
	r.Header.Set("Content-Type", "text/xml; charset=UTF-8")
	if _, err := soap.ReadRequest(httptest.NewRecorder(), r, soap.V11, 1000, nil); fault.KindOf(err) != fault.TooLarge {
		t.Errorf("unannounced and too big: %v", err)
	}
}
