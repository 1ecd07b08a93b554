package partner

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/smtpaddr"
)

// Namespaces of plain-old-XML Autodiscover ([MS-OXDSCLI] 2.2.3, 2.2.4); the outer one of an answer varies and is not read.
const (
	nsPOXRequest = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
	nsPOXOutlook = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"

	maxPOX = 256 << 10
)

type poxRequest struct {
	url                string
	user               smtpaddr.Address
	username, password string
	header             http.Header
}

// poxAnswer is what the requesting side needs of an answer; what is missing is empty.
type poxAnswer struct {
	asURL                        string // availability service of the EXPR block, else of any
	redirectAddress, redirectURL string
	errorCode, message           string
}

// postPOX asks a POX endpoint for one user.
func postPOX(ctx context.Context, c *http.Client, r poxRequest) (poxAnswer, error) {
	body := []byte(`<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="` + nsPOXRequest + `"><Request><EMailAddress>`)
	body = xmlsec.AppendText(body, r.user.String())
	body = append(body, `</EMailAddress><AcceptableResponseSchema>`+nsPOXOutlook+`</AcceptableResponseSchema></Request></Autodiscover>`...)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, bytes.NewReader(body))
	if err != nil {
		return poxAnswer{}, err
	}
	req.Header = r.header.Clone()
	req.Header.Set("Content-Type", "text/xml; charset=utf-8")
	req.Header.Set("User-Agent", userAgentAutodiscover)
	req.SetBasicAuth(r.username, r.password)
	resp, err := c.Do(req)
	if err != nil {
		return poxAnswer{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return poxAnswer{}, &soap.HTTPError{Status: resp.StatusCode}
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxPOX+1))
	if err != nil {
		return poxAnswer{}, fmt.Errorf("reading the answer: %w", err)
	}
	limits := xmlsec.DocumentLimits()
	limits.Bytes = maxPOX
	doc, err := xmlsec.Scan(raw, limits)
	if err != nil {
		return poxAnswer{}, fmt.Errorf("Response is not well-formed XML: %w", err) //nolint:staticcheck // the text administrators know
	}
	return readPOX(doc.Root())
}

func readPOX(root xmlsec.Element) (a poxAnswer, err error) {
	if root.Local() != "Autodiscover" {
		return a, fmt.Errorf("the answer is a %.60s", root.Local())
	}
	text := func(e xmlsec.Element) string {
		s, bad := e.Text()
		if bad != nil && err == nil {
			err = bad
		}
		return s
	}
	for r := range root.Children() {
		if e := r.Child(r.Space(), "Error"); !e.IsZero() && r.Local() == "Response" {
			a.errorCode, a.message = soap.Said(e.Child(r.Space(), "ErrorCode")), soap.Said(e.Child(r.Space(), "Message"))
			return a, nil
		}
	}
	account := root.Child(nsPOXOutlook, "Response").Child(nsPOXOutlook, "Account")
	a.redirectAddress, a.redirectURL = text(account.Child(nsPOXOutlook, "RedirectAddr")), text(account.Child(nsPOXOutlook, "RedirectUrl"))
	for p := range account.Children() {
		if u := text(p.Child(nsPOXOutlook, "ASUrl")); u != "" && p.Is(nsPOXOutlook, "Protocol") && (a.asURL == "" || text(p.Child(nsPOXOutlook, "Type")) == "EXPR") {
			a.asURL = u
		}
	}
	return a, err
}
