// Package fences checks over `go list -deps` what linting cannot: what a binary or package links at all.
package fences

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/availd/availd/"

func deps(t *testing.T, pkg string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", module+pkg).CombinedOutput()
	if err != nil {
		t.Fatalf("go list -deps %s: %v\n%s", pkg, err, out)
	}
	return strings.Fields(string(out))
}

func TestFences(t *testing.T) {
	outer := []string{"net/http", "encoding/xml", "database/sql", "github.com/beevik/etree", "github.com/jackc/pgx/v5", "github.com/prometheus/client_golang/prometheus",
		module + "internal/soap", module + "internal/xmlsec"}
	for _, f := range []struct {
		pkg       string
		forbidden []string
		why       string
	}{
		{"cmd/availd", []string{module + "federation/gateway", module + "internal/gatewaystore"}, "the service that verifies tokens cannot mint them"},
		{"availability", outer, "the domain knows no XML, HTTP, SQL or metrics"},
		{"mailbox", outer, "the domain knows no XML, HTTP, SQL or metrics"},
		{"directory", outer, "the domain knows no XML, HTTP, SQL or metrics"},
		{"orgrel", outer, "the domain knows no XML, HTTP, SQL or metrics"},
		{"ews", []string{module + "federation", module + "internal/wssecurity", module + "autodiscover"}, "protocols hold small interfaces that server fills"},
		{"autodiscover", []string{module + "federation", module + "internal/wssecurity", module + "ews"}, "protocols hold small interfaces that server fills"},
		{"cmd/fedgateway", []string{module + "internal/store/postgres", module + "internal/server", module + "ews", module + "availability"}, "the gateway is a third party"},
		{"cmd/availdemo", []string{module + "federation", module + "internal/server", module + "internal/admin"}, "the demo runs the binaries and links nothing of ours"},
	} {
		got := deps(t, f.pkg)
		for _, bad := range f.forbidden {
			if slices.Contains(got, bad) {
				t.Errorf("%s links %s: %s", f.pkg, bad, f.why)
			}
		}
	}
}
