package autodiscover_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/autodiscover"
	"github.com/availd/availd/internal/xmlsec"
)

func golden(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const actionOf = "http://schemas.microsoft.com/exchange/2010/Autodiscover/Autodiscover/"

func TestOperationIsFoundByActionOrSOAPActionOrBody(t *testing.T) {
	whole := golden(t, "getusersettings/own-exchangelib.request.xml")
	_, rest, _ := strings.Cut(whole, "<wsa:Action>")
	action, _, _ := strings.Cut(rest, "</wsa:Action>")
	bare := strings.Replace(whole, "<wsa:Action>"+action+"</wsa:Action>", "", 1)
	for name, c := range map[string]struct {
		body       string
		soapAction []string
		want       string
	}{
		"action":                  {whole, nil, "NoError"},
		"action beats SOAPAction": {whole, []string{"SOAPAction", `"urn:else"`}, "NoError"},
		"SOAPAction in quotes":    {bare, []string{"SOAPAction", `"` + actionOf + `GetUserSettings"`}, "NoError"},
		"SOAPAction without":      {bare, []string{"SOAPAction", actionOf + "GetUserSettings"}, "NoError"},
		"SOAPAction empty":        {bare, []string{"SOAPAction", `""`}, "NoError"},
		"body alone":              {bare, nil, "NoError"},
		"unknown action":          {strings.Replace(whole, "/GetUserSettings<", "/DropUsers<", 1), nil, "ActionNotSupported"},
		"unknown SOAPAction":      {bare, []string{"SOAPAction", `"urn:else"`}, "ActionNotSupported"},
		"unknown body":            {strings.ReplaceAll(bare, "GetUserSettings", "DropUsers"), nil, "ActionNotSupported"},
		"action and body differ":  {strings.Replace(whole, "/GetUserSettings<", "/GetFederationInformation<", 1), nil, "s:Client"},
		"another namespace":       {strings.ReplaceAll(bare, `xmlns:a="http`, `xmlns:a="x`), nil, "s:Client"},
	} {
		w := ask(t, as("own"), c.body, c.soapAction...)
		if !strings.Contains(w.Body.String(), c.want) || (w.Code == http.StatusOK) != (c.want == "NoError") {
			t.Errorf("%s: HTTP %d %s", name, w.Code, w.Body)
		}
	}
}

func TestAnyRequestedServerVersionIsTaken(t *testing.T) {
	whole := golden(t, "getusersettings/own-exchangelib.request.xml")
	for _, v := range []string{"<a:RequestedServerVersion>Exchange2007_SP1</a:RequestedServerVersion>", `<a:RequestedServerVersion soap:mustUnderstand="1">Exchange2031</a:RequestedServerVersion>`, "<a:RequestedServerVersion/>", ""} {
		w := ask(t, as("own"), strings.Replace(whole, "<a:RequestedServerVersion>Exchange2016</a:RequestedServerVersion>", v, 1))
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), ewsURL) {
			t.Errorf("%s: HTTP %d %s", v, w.Code, w.Body)
		}
	}
}

// Some clients post nothing at all to see how to log in. Who is nobody learns nothing but that.
func TestNobodyGetsAChallengeWhateverItSends(t *testing.T) {
	for name, body := range map[string]string{"nothing": "", "no XML": "{}", "user settings": golden(t, "getusersettings/own-exchangelib.request.xml"),
		"an unknown operation": strings.ReplaceAll(golden(t, "getusersettings/own-exchangelib.request.xml"), "GetUserSettings", "X")} {
		w := ask(t, as("anonymous"), body)
		if w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") != `Basic realm="test"` {
			t.Errorf("%s: HTTP %d %v", name, w.Code, w.Header())
		}
	}
	if w := ask(t, as("anonymous"), golden(t, "getfederationinformation/anonymous-checker.request.xml")); w.Code != http.StatusOK {
		t.Errorf("federation information is not public: HTTP %d", w.Code)
	}
}

func TestTooManyUsersSettingsOrDomainsAreInvalid(t *testing.T) {
	user, domain := golden(t, "getusersettings/own-exchangelib.request.xml"), golden(t, "getdomainsettings/own-managed-api.request.xml")
	for name, c := range map[string][3]string{
		"users":    {user, "<a:User><a:Mailbox>tom@contoso.example</a:Mailbox></a:User>", "InvalidRequest"},
		"settings": {user, "<a:Setting>UserDN</a:Setting>", "InvalidRequest"},
		"domains":  {domain, "<a:Domain>contoso.example</a:Domain>", "InvalidRequest"},
	} {
		for n, want := range map[int]string{90: "NoError", 101: c[2]} {
			w := ask(t, as("own"), strings.Replace(c[0], c[1], strings.Repeat(c[1], n), 1))
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "i=\"http://www.w3.org/2001/XMLSchema-instance\"><ErrorCode>"+want+"<") {
				t.Errorf("%d %s: HTTP %d %.900s", n, name, w.Code, w.Body)
			}
		}
	}
}

func TestAnonymousRequestsAreRationedPerSource(t *testing.T) {
	clock := &fixed{time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)}
	h := autodiscover.NewHandler(autodiscover.Options{Directory: contoso{}, Limiter: autodiscover.NewRateLimiter(clock.now, 0.5, 3)})
	body := golden(t, "getfederationinformation/anonymous-checker.request.xml")
	asks := func(from string) string {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("Content-Type", "text/xml")
		r.RemoteAddr = from
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		validate(t, w.Body.String())
		return between(t, w.Body.String(), "<ErrorCode>", "</ErrorCode>")
	}
	for i, want := range []string{"NoError", "NoError", "NoError", "ServerBusy", "ServerBusy"} {
		if got := asks(fmt.Sprintf("[2001:db8:1:2::%d]:4000", i+1)); got != want { // one network of one host
			t.Errorf("request %d: %s", i, got)
		}
	}
	if got := asks("[2001:db8:1:3::1]:4000"); got != "NoError" {
		t.Errorf("another source pays for the first: %s", got)
	}
	clock.t = clock.t.Add(2 * time.Second)
	if first, second := asks("[2001:db8:1:2::1]:4001"), asks("[2001:db8:1:2::1]:4001"); first != "NoError" || second != "ServerBusy" {
		t.Errorf("two seconds later: %s %s", first, second)
	}
	for i := range 30000 { // memory stays bounded
		if !autodiscoverAllows(h, i) {
			t.Fatal("a new source is refused")
		}
	}
}

func autodiscoverAllows(h http.Handler, i int) bool {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(fedRequest))
	r.Header.Set("Content-Type", "text/xml")
	r.RemoteAddr = fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return strings.Contains(w.Body.String(), "NoError")
}

const fedRequest = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><GetFederationInformationRequestMessage xmlns="http://schemas.microsoft.com/exchange/2010/Autodiscover"><Request><Domain>contoso.example</Domain></Request></GetFederationInformationRequestMessage></s:Body></s:Envelope>`

func TestBrowserSeesThatTheServiceIsPublished(t *testing.T) {
	for name, c := range map[string]struct {
		h    http.Handler
		code int
		want string
	}{
		"base":           {as("anonymous"), http.StatusOK, "availd 1.2.3"},
		"federation on":  {as("anonymous"), http.StatusOK, "Federation: enabled"},
		"federation off": {autodiscover.NewHandler(autodiscover.Options{Directory: contoso{federationOff: true}}), http.StatusOK, "Federation: disabled"},
		"wssecurity":     {as("partner"), http.StatusBadRequest, "WS-Security"},
	} {
		w := httptest.NewRecorder()
		c.h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/autodiscover/autodiscover.svc", nil))
		if w.Code != c.code || !strings.Contains(w.Body.String(), c.want) || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") || strings.Contains(w.Body.String(), "contoso") {
			t.Errorf("%s: HTTP %d %s", name, w.Code, w.Body)
		}
	}
}

// A generic toolkit finds everything that the description refers to, and xmllint finds it well formed.
func TestDescriptionIsComplete(t *testing.T) {
	wsdl := description(t)
	doc, err := xmlsec.Scan([]byte(wsdl), xmlsec.DocumentLimits())
	if err != nil {
		t.Fatal(err)
	}
	const nsWSDL, nsXS, nsSOAP = "http://schemas.xmlsoap.org/wsdl/", "http://www.w3.org/2001/XMLSchema", "http://schemas.xmlsoap.org/wsdl/soap/"
	defined := map[string]bool{}
	root := doc.Root()
	for e := range root.Children() {
		name, _ := e.Attr("name")
		defined[e.Local()+" "+name] = true
	}
	schema := root.Child(nsWSDL, "types").Child(nsXS, "schema")
	for e := range schema.Children() {
		name, _ := e.Attr("name")
		defined["type "+name] = e.Local() != "element"
		defined["element "+name] = defined["element "+name] || e.Local() == "element"
	}
	operations := map[string]int{}
	var walk func(e xmlsec.Element)
	walk = func(e xmlsec.Element) {
		for _, a := range e.Attrs() {
			local, ours := strings.CutPrefix(a.Value, "tns:")
			if !ours {
				continue
			}
			kind := a.Local
			switch {
			case kind == "base", kind == "type" && e.Local() == "element":
				kind = "type"
			case kind == "type":
				kind = "portType"
			}
			if !defined[kind+" "+local] {
				t.Errorf("%s refers to the %s %s, which is not there", e.Local(), kind, local)
			}
		}
		if e.Is(nsSOAP, "operation") {
			action, _ := e.Attr("soapAction")
			operations[strings.TrimPrefix(action, actionOf)]++
		}
		for c := range e.Children() {
			walk(c)
		}
	}
	walk(root)
	for _, op := range []string{"GetUserSettings", "GetDomainSettings", "GetFederationInformation", "GetOrganizationRelationshipSettings"} {
		if operations[op] != 1 {
			t.Errorf("%s is bound %d times", op, operations[op])
		}
	}
	if !strings.Contains(wsdl, `location="https://autodiscover.contoso.example/autodiscover/autodiscover.svc"`) {
		t.Error("the description does not name the address at which it was asked")
	}
	if _, err := exec.LookPath("xmllint"); err == nil {
		cmd := exec.CommandContext(t.Context(), "xmllint", "--noout", "--nonet", "-")
		cmd.Stdin = strings.NewReader(wsdl)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s", out)
		}
	}
}

func TestRequestsThatWeDescribeAreTheOnesThatWeTake(t *testing.T) {
	for _, name := range []string{"getusersettings/own-managed-api", "getdomainsettings/own-managed-api", "getfederationinformation/anonymous-checker", "getorganizationrelationshipsettings/partner-own-entry"} {
		body := between(t, golden(t, name+".request.xml"), "<soap:Body>", "</soap:Body>")
		body = strings.Replace(body, "RequestMessage", `RequestMessage xmlns:a="http://schemas.microsoft.com/exchange/2010/Autodiscover"`, 1)
		validate(t, "<s:Body>"+strings.TrimSpace(body)+"</s:Body>")
	}
}

func pox(t testing.TB, who, method, body string) *httptest.ResponseRecorder {
	t.Helper()
	o := autodiscover.Options{Directory: contoso{}, Authenticate: authenticate(who)}
	clock := &fixed{time.Date(2026, 7, 1, 12, 34, 56, 789e6, time.UTC)}
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), method, "/autodiscover/autodiscover.xml", strings.NewReader(body))
	r.Header.Set("Content-Type", "text/xml; charset=utf-8")
	autodiscover.NewPOXHandler(o, clock.now).ServeHTTP(w, r)
	return w
}

const (
	poxOutlook  = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
	poxRequest  = `<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request><EMailAddress>%s</EMailAddress><AcceptableResponseSchema>%s</AcceptableResponseSchema></Request></Autodiscover>`
	poxPrefixed = `<?xml version="1.0" encoding="utf-8"?><p:Autodiscover xmlns:p="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><p:Request><p:EMailAddress>%s</p:EMailAddress><p:AcceptableResponseSchema>%s</p:AcceptableResponseSchema></p:Request></p:Autodiscover>`
	poxBare     = `<Autodiscover><Request><EMailAddress>%s</EMailAddress><AcceptableResponseSchema>%s</AcceptableResponseSchema></Request></Autodiscover>`
	poxMobile   = `<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/mobilesync/requestschema/2006"><Request><EMailAddress>%s</EMailAddress><AcceptableResponseSchema>%s</AcceptableResponseSchema></Request></Autodiscover>`
)

// exchangelib, the Managed API's fallback and Outlook read these blocks; the prefix and even the namespace vary.
func TestOutlookFindsTheAvailabilityService(t *testing.T) {
	for _, form := range []string{poxRequest, poxPrefixed, poxBare} {
		w := pox(t, "own", http.MethodPost, fmt.Sprintf(form, "tom@contoso.example", poxOutlook))
		doc, err := xmlsec.Scan(w.Body.Bytes(), xmlsec.DocumentLimits())
		if err != nil || w.Code != http.StatusOK {
			t.Fatal(w.Code, err)
		}
		resp := doc.Root().Child(poxOutlook, "Response")
		user, account := resp.Child(poxOutlook, "User"), resp.Child(poxOutlook, "Account")
		get := func(e xmlsec.Element, name string) string { s, _ := e.Child(poxOutlook, name).Text(); return s }
		if get(user, "AutoDiscoverSMTPAddress") != "tom@contoso.example" || get(user, "DisplayName") != "Tom & Co. <sales>" || get(account, "AccountType") != "email" || get(account, "Action") != "settings" {
			t.Errorf("%s", w.Body)
		}
		types := map[string]xmlsec.Element{}
		for p := range account.Children() {
			types[get(p, "Type")] = p
		}
		for _, name := range []string{"ASUrl", "EwsUrl", "OOFUrl"} {
			if get(types["EXPR"], name) != ewsURL {
				t.Errorf("EXPR has no %s: %s", name, w.Body)
			}
		}
		if got := get(types["WEB"].Child(poxOutlook, "External").Child(poxOutlook, "Protocol"), "ASUrl"); got != ewsURL {
			t.Errorf("WEB has the ASUrl %q", got)
		}
	}
}

func TestPOXRefusesByNumber(t *testing.T) {
	for name, c := range map[string][2]string{
		"unknown address": {fmt.Sprintf(poxRequest, "nobody@contoso.example", poxOutlook), "<ErrorCode>500</ErrorCode>"},
		"no address":      {fmt.Sprintf(poxRequest, "", poxOutlook), "<ErrorCode>600</ErrorCode>"},
		"no schema":       {fmt.Sprintf(poxRequest, "tom@contoso.example", ""), "<ErrorCode>600</ErrorCode>"},
		"no XML":          {"tom", "<ErrorCode>600</ErrorCode>"},
		"another root":    {"<Discover/>", "<ErrorCode>600</ErrorCode>"},
		"a DTD":           {`<!DOCTYPE a [<!ENTITY x "y">]>` + fmt.Sprintf(poxRequest, "&x;", poxOutlook), "<ErrorCode>600</ErrorCode>"},
		"a phone":         {fmt.Sprintf(poxMobile, "tom@contoso.example", "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006"), "<ErrorCode>601</ErrorCode>"},
		"another answer":  {fmt.Sprintf(poxRequest, "tom@contoso.example", "urn:else"), "<ErrorCode>601</ErrorCode>"},
		"a contact":       {fmt.Sprintf(poxRequest, "moved@contoso.example", poxOutlook), "<Action>redirectAddr</Action><RedirectAddr>moved@fabrikam.example</RedirectAddr>"},
		"another site":    {fmt.Sprintf(poxRequest, "elsewhere@contoso.example", poxOutlook), "<Action>redirectUrl</Action><RedirectUrl>https://emea.contoso.example/"},
	} {
		w := pox(t, "own", http.MethodPost, c[0])
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), c[1]) || strings.Contains(c[1], "ErrorCode") && !strings.Contains(w.Body.String(), `<Error Time="12:34:56.7890000" Id="`) {
			t.Errorf("%s: HTTP %d %s", name, w.Code, w.Body)
		}
	}
	if w := pox(t, "own", http.MethodGet, ""); !strings.Contains(w.Body.String(), "<ErrorCode>600<") {
		t.Errorf("GET: %s", w.Body)
	}
	if w := pox(t, "own", http.MethodPost, fmt.Sprintf(poxRequest, "down@contoso.example", poxOutlook)); w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "10.0.0.1") {
		t.Errorf("store down: HTTP %d %s", w.Code, w.Body)
	}
}

func TestJSONAnswersAnybodyAlikeForEveryAddressOfADomain(t *testing.T) {
	h := autodiscover.NewJSONHandler(autodiscover.Options{Directory: contoso{}})
	get := func(query string) (int, map[string]string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://autodiscover.contoso.example/autodiscover/autodiscover.json?"+query, nil))
		var m map[string]string
		if w.Code != http.StatusNotFound || strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
			if err := json.Unmarshal(w.Body.Bytes(), &m); err != nil {
				t.Errorf("%s: %v", query, err)
			}
		}
		return w.Code, m
	}
	for _, user := range []string{"tom", "nobody", "moved"} {
		if code, m := get("Email=" + user + "@contoso.example&Protocol=EWS"); code != http.StatusOK || m["Protocol"] != "EWS" || m["Url"] != ewsURL {
			t.Errorf("%s: %d %v", user, code, m)
		}
		if code, m := get("Email=" + user + "%40contoso.example&Protocol=Autodiscoverv1&RedirectCount=1"); code != http.StatusOK || m["Url"] != "https://autodiscover.contoso.example/autodiscover/autodiscover.xml" {
			t.Errorf("%s: %d %v", user, code, m)
		}
	}
	for query, want := range map[string]struct {
		code  int
		error string
	}{
		"Email=tom@contoso.example&Protocol=ActiveSync":                     {http.StatusBadRequest, "ProtocolNotSupported"},
		"Email=tom&Protocol=EWS":                                            {http.StatusBadRequest, "InvalidRequest"},
		"Email=tom@fabrikam.example&Protocol=EWS":                           {http.StatusNotFound, "InvalidDomain"},
		"Email=tom@unset.example&Protocol=EWS":                              {http.StatusNotFound, "SettingIsNotAvailable"},
		"Email=tom@contoso.example":                                         {http.StatusNotFound, ""},
		"email=tom@contoso.example&Protocol=EWS":                            {http.StatusNotFound, ""},
		"Email=a@contoso.example&Email=b@contoso.example&Protocol=EWS":      {http.StatusNotFound, ""},
		"@evil.example/ews/exchange.asmx?&Email=autodiscover.json%3F@evil":  {http.StatusNotFound, ""},
		"@evil.example/powershell&Email=tom@contoso.example&Protocol=EWS":   {http.StatusNotFound, ""},
		"Email=tom@contoso.example&Protocol=EWS&X-Rps-CAT=VgEAVAdXaW5kb3dz": {http.StatusNotFound, ""},
	} {
		if code, m := get(query); code != want.code || m["ErrorCode"] != want.error {
			t.Errorf("%s: %d %v", query, code, m)
		}
	}
}
