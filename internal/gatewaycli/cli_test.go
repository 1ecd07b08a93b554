package gatewaycli

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/federation/gateway"
	"github.com/availd/availd/internal/listen"
)

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// typed runs a command line on a data folder.
func typed(t *testing.T, data string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = Run(t.Context(), append(args, "--data", data), &out, &errs)
	return status, out.String(), errs.String()
}

func ok(t *testing.T, data string, args ...string) string {
	t.Helper()
	status, out, errs := typed(t, data, args...)
	if status != 0 {
		t.Fatalf("%q: exit status %d: %s", args, status, errs)
	}
	return out
}

func organizationCertificate(t *testing.T) string {
	t.Helper()
	k, err := federation.NewOrganizationCertificate(time.Now(), 365)
	must(t, err)
	path := filepath.Join(t.TempDir(), "organization.pem")
	must(t, os.WriteFile(path, federation.EncodeCertificate(k.Certificate), 0o600))
	return path
}

func TestAdministratorsDay(t *testing.T) {
	data := t.TempDir()
	ok(t, data, "org", "add", "Contoso", "--application-uri", "contoso.example", "--account-namespace", "contoso.example", "--domain", "contoso.example", "--certificate", organizationCertificate(t), "--contact", "carol@contoso.example")
	if out := ok(t, data, "org", "list"); !strings.Contains(out, "Contoso") || !strings.Contains(out, "approved") {
		t.Error(out)
	}
	ok(t, data, "domain", "add", "Contoso", "bücher.example")
	if out := ok(t, data, "domain", "list", "Contoso"); !strings.Contains(out, "xn--bcher-kva.example") || !strings.Contains(out, "reserved") || !strings.Contains(out, "==") {
		t.Errorf("the domain or its TXT value is not listed: %s", out)
	}
	ok(t, data, "domain", "approve", "Contoso", "bücher.example")
	ok(t, data, "certificate", "next", "Contoso", organizationCertificate(t))
	ok(t, data, "certificate", "publish", "Contoso")
	var shown struct {
		Certificates []struct{ Role string }
	}
	must(t, json.Unmarshal([]byte(ok(t, data, "org", "show", "Contoso", "--output", "json")), &shown))
	if len(shown.Certificates) != 2 || shown.Certificates[1].Role != "previous" {
		t.Errorf("%+v", shown)
	}
	ok(t, data, "certificate", "remove", "Contoso", "previous")
	ok(t, data, "signing-key", "list")
	ok(t, data, "signing-key", "next")
	if status, _, errs := typed(t, data, "signing-key", "publish"); status != 3 || !strings.Contains(errs, "partners may not know it before") {
		t.Errorf("published at once: %d %s", status, errs)
	}
	ok(t, data, "signing-key", "publish", "--force")
	ok(t, data, "org", "disable", "Contoso")
	ok(t, data, "org", "approve", "Contoso")
	ok(t, data, "domain", "remove", "Contoso", "bücher.example")
	ok(t, data, "org", "remove", "Contoso")
	audit := ok(t, data, "audit", "list")
	for _, verb := range []string{"org add", "domain add", "domain approve", "certificate next", "certificate publish", "signing-key next", "signing-key publish", "org disable", "org approve", "org remove", "os "} {
		if !strings.Contains(audit, verb) {
			t.Errorf("the audit lacks %q:\n%s", verb, audit)
		}
	}
}

func TestWrongCommandIsASentenceAndAStatus(t *testing.T) {
	data := t.TempDir()
	for _, c := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{"org", "show", "Nobody"}, 3, `there is no organization "Nobody"`},
		{[]string{"org", "add", "X", "--certificate", organizationCertificate(t)}, 1, "at least one domain"},
		{[]string{"domain", "verify", "X", "x.example", "--resolver", "nonsense"}, 1, "is not host:port"},
		{[]string{"signing-key", "publish"}, 3, "there is no next signing key"},
		{[]string{"serve", "--registration", "everybody"}, 1, "not off, approval or proof"},
		{[]string{"serve", "--second-instance", "consumer"}, 1, "go together"},
		{[]string{"serve", "--issuer", ""}, 1, "the issuer name is empty"},
		{[]string{"serve", "--public-url", "http://gateway.example"}, 1, "is not https://HOST"},
		{[]string{"serve"}, 1, "serve needs --tls-cert and --tls-key"},
		{[]string{"org", "add", "Contoso"}, 1, "certificate"},
		{[]string{"org", "ad"}, 1, "did you mean add?"},
		{[]string{"serve", "--profile", "modern", "--token-cipher", "tripledes-cbc"}, 1, "needs the profile exchange"},
		{[]string{"serve", "--admin-listen", "0.0.0.0:0", "--listen", "127.0.0.1:0"}, 1, "unless there is an --admin-token-file"},
	} {
		status, _, errs := typed(t, data, c.args...)
		if status != c.status || !strings.Contains(errs, c.says) {
			t.Errorf("%q: %d %s, want %d and %q", c.args, status, errs, c.status, c.says)
		}
	}
}

// served is a gateway that was started by its command line.
type served struct {
	url, admin string
	client     *http.Client
	stop       func() int
	mu         sync.Mutex
	log        bytes.Buffer
}

func (s *served) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(p)
}

func (s *served) logged() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// freeAddresses are two that nobody listens on.
func freeAddresses(t *testing.T) (a, b string) {
	t.Helper()
	first, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer first.Close()
	second, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer second.Close()
	return first.Addr().String(), second.Addr().String()
}

func serve(t *testing.T, data string, args ...string) *served {
	t.Helper()
	tlsDir := t.TempDir()
	must(t, listen.WriteDevCA(tlsDir, []string{"127.0.0.1"}, time.Now()))
	public, admin := freeAddresses(t)
	s := &served{url: "https://" + public, admin: "http://" + admin, client: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan int, 1)
	args = append([]string{"serve", "--data", data, "--listen", public, "--public-url", s.url, "--admin-listen", admin, "--issuer", "urn:federation:cli",
		"--tls-cert", filepath.Join(tlsDir, "server.pem"), "--tls-key", filepath.Join(tlsDir, "server.key")}, args...)
	go func() { done <- Run(ctx, args, io.Discard, s) }()
	s.stop = sync.OnceValue(func() int { cancel(); s.client.CloseIdleConnections(); return <-done })
	t.Cleanup(func() { s.stop() })
	for !strings.Contains(s.logged(), `"ready"`) {
		select {
		case status := <-done:
			t.Fatalf("ended with %d: %s", status, s.logged())
		case <-time.After(5 * time.Millisecond):
		}
	}
	return s
}

func (s *served) metadata(t *testing.T, path string) *federation.Metadata {
	t.Helper()
	m, err := federation.FetchMetadata(t.Context(), s.client, s.url+path+gateway.PathMetadata, nil, time.Now())
	must(t, err)
	return m
}

func TestSecondProcessRefusesToServeTheSameFolder(t *testing.T) {
	data := t.TempDir()
	s := serve(t, data)
	if status, _, errs := typed(t, data, "serve", "--listen", "127.0.0.1:0"); status != 3 || !strings.Contains(errs, "another fedgateway serves the registry") {
		t.Errorf("%d %s", status, errs)
	}
	if status := s.stop(); status != 0 {
		t.Errorf("the first ended with %d: %s", status, s.logged())
	}
	serve(t, data)
}

func TestKeysRollWithoutARestart(t *testing.T) {
	data := t.TempDir()
	s := serve(t, data, "--second-instance", "consumer", "--second-issuer", "urn:federation:consumer")
	old := s.metadata(t, "").Certificates[0]
	ok(t, data, "signing-key", "next")
	until(t, "the next key is in the metadata", func() bool { return len(s.metadata(t, "").Certificates) == 2 })
	next := s.metadata(t, "").Certificates[1]
	ok(t, data, "signing-key", "publish", "--force")
	until(t, "both instances sign with the new key and name the old one", func() bool {
		for _, path := range []string{"", "/consumer"} {
			if c := s.metadata(t, path).Certificates; len(c) != 2 || !c[0].Equal(next) || !c[1].Equal(old) {
				return false
			}
		}
		return true
	})
}

// until waits for what must come.
func until(t *testing.T, what string, come func() bool) {
	t.Helper()
	for range 1000 {
		if come() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("it never came that %s", what)
}

func TestInstancesHaveIssuersAndEndsOfTheirOwn(t *testing.T) {
	s := serve(t, t.TempDir(), "--second-instance", "consumer", "--second-issuer", "urn:federation:consumer")
	first, second := s.metadata(t, ""), s.metadata(t, "/consumer")
	if first.TokenIssuerUri != "urn:federation:cli" || first.TokenIssuerEpr != s.url+"/extSTS.srf" ||
		second.TokenIssuerUri != "urn:federation:consumer" || second.TokenIssuerEpr != s.url+"/consumer/extSTS.srf" {
		t.Errorf("%+v\n%+v", first, second)
	}
	resp, err := s.client.Get(s.admin + "/v1/signing-keys")
	must(t, err)
	defer resp.Body.Close()
	if raw, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK || !strings.Contains(string(raw), `"role":"current"`) {
		t.Errorf("the admin API: %s %s", resp.Status, raw)
	}
}

func TestChaosIsLoudAtStart(t *testing.T) {
	s := serve(t, t.TempDir(), "--chaos")
	if !strings.Contains(s.logged(), "CHAOS: this gateway refuses") {
		t.Error(s.logged())
	}
}
