package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"html/template"
	"net/http"
	"time"
)

//go:embed status.html
var statusPage string

// styleHash is the SHA-256 of the page's style element: the only thing that the page may use.
const styleHash = "EBBXTa3DA6P7JewpRoW0elH4dImt0BiQmq3DpcrnbOo="

var statusTemplate = template.Must(template.New("status").Parse(statusPage))

// KeyStatus is one signing certificate on the status page.
type KeyStatus struct {
	Role                 string `json:"role"` // current, previous, next
	SubjectKeyIdentifier string `json:"subjectKeyIdentifier"`
	SHA256               string `json:"sha256"`
	NotAfter             string `json:"notAfter"` // RFC 3339
	DaysLeft             int    `json:"daysLeft"`
}

// Status is what anybody may know of a gateway's instance.
type Status struct {
	Instance       string      `json:"instance,omitempty"`
	TokenIssuerUri string      `json:"tokenIssuerUri"`
	TokenIssuerEpr string      `json:"tokenIssuerEpr"`
	Metadata       string      `json:"metadata"`
	Statements     string      `json:"statements"`
	Profile        string      `json:"profile"`
	RequireMutual  bool        `json:"requireMutual"`
	Registration   string      `json:"registration"`
	Certificates   []KeyStatus `json:"certificates"`
	Organizations  int         `json:"organizations"` // approved
	Names          []string    `json:"names,omitempty"`
	Version        string      `json:"version,omitempty"`
	Chaos          bool        `json:"chaos,omitempty"`
}

func keyStatus(role string, c *x509.Certificate, now time.Time) KeyStatus {
	sum := sha256.Sum256(c.Raw)
	return KeyStatus{role, hex.EncodeToString(c.SubjectKeyId), hex.EncodeToString(sum[:]), c.NotAfter.UTC().Format(time.RFC3339), int(c.NotAfter.Sub(now).Hours() / 24)}
}

// Status gathers what the status page shows.
func (g *Gateway) Status(ctx context.Context) (*Status, error) {
	counts, err := g.o.Registry.Counts(ctx)
	if err != nil {
		return nil, err
	}
	s := &Status{Instance: g.o.Instance, TokenIssuerUri: g.o.Issuer, TokenIssuerEpr: g.o.PublicURL + PathSTS, Metadata: g.o.PublicURL + PathMetadata,
		Statements: g.o.PublicURL + PathStatements, Profile: string(g.o.Profile), RequireMutual: g.o.RequireMutual, Registration: string(g.o.Registration),
		Organizations: counts.Approved, Version: g.o.Version, Chaos: g.o.Chaos != nil}
	if s.Registration == "" {
		s.Registration = string(RegisterOff)
	}
	k, now := g.Keys(), g.o.Now()
	s.Certificates = append(s.Certificates, keyStatus("current", k.Current.Certificate, now))
	if k.Previous != nil {
		s.Certificates = append(s.Certificates, keyStatus("previous", k.Previous, now))
	}
	if k.Next != nil {
		s.Certificates = append(s.Certificates, keyStatus("next", k.Next, now))
	}
	if g.o.ListOrganizations != nil {
		s.Names, err = g.o.ListOrganizations(ctx)
	}
	return s, err
}

func (g *Gateway) serveStatus(w http.ResponseWriter, r *http.Request) {
	s, err := g.Status(r.Context())
	var page bytes.Buffer
	if err == nil {
		err = statusTemplate.Execute(&page, s)
	}
	if err != nil {
		g.o.Log.ErrorContext(r.Context(), "status page", "cause", err)
		http.Error(w, "The status is not available.", http.StatusServiceUnavailable)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'sha256-"+styleHash+"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(page.Bytes())
}

func (g *Gateway) serveStatusJSON(w http.ResponseWriter, r *http.Request) {
	s, err := g.Status(r.Context())
	if err != nil {
		g.o.Log.ErrorContext(r.Context(), "status", "cause", err)
		http.Error(w, "The status is not available.", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(s)
}
