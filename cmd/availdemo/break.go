package main

import (
	"context"
	"fmt"
	"os"
)

// breakIt breaks what -break names, by commands or by a real fault.
func (d *demo) breakIt(ctx context.Context) error {
	if d.broken == "" {
		return nil
	}
	fmt.Printf("\nBreaking: %s\n", d.broken)
	onContoso := func(args ...string) error {
		_, err := d.typed(ctx, d.availd, append(args, "--database", d.contoso.Database)...)
		return err
	}
	switch d.broken {
	case "no-relationship":
		return onContoso("orgrel", "remove", "Fabrikam")
	case "relationship-off":
		return onContoso("orgrel", "set", "Fabrikam", "--enabled=false")
	case "no-external-url":
		return onContoso("url", "set", "--ews-external", "")
	case "gateway-down":
		fmt.Println("  the gateway's process is stopped")
		d.gatewayProcess.stop()
		return nil
	case "expired-token":
		fmt.Println("  the gateway is started again with a clock that is a day slow when it writes tokens")
		d.gatewayProcess.stop()
		return d.startGateway("--issue-at", "-24h")
	case "unknown-issuer":
		return d.unknownIssuer(ctx, onContoso)
	case "wrong-audience":
		return d.wrongAudience(ctx)
	case "database-down":
		fmt.Println("  Contoso's database file is emptied")
		return os.Truncate(d.contoso.Database, 0)
	}
	return fmt.Errorf("-break %s is not built", d.broken)
}

// unknownIssuer lets the gateway sign with a new key that Contoso has not heard of.
func (d *demo) unknownIssuer(_ context.Context, _ func(args ...string) error) error {
	fmt.Println("  the gateway makes itself a new signing key, and Contoso does not refresh the metadata")
	d.gatewayProcess.stop()
	for _, f := range []string{d.gateway.SigningKey, d.gateway.SigningCert} {
		if err := os.Remove(f); err != nil {
			return err
		}
	}
	return d.startGateway()
}

// wrongAudience registers a second name with Contoso's certificate, and lets Fabrikam ask for a token to that name.
func (d *demo) wrongAudience(ctx context.Context) error {
	if _, err := d.typed(ctx, d.fedgateway, "org", "add", "Contoso Test", "--data", d.path("gateway"), "--application-uri", "test."+d.contoso.Domain,
		"--account-namespace", "test."+d.contoso.Domain, "--domain", "test."+d.contoso.Domain, "--certificate", d.contoso.EncryptionCert); err != nil {
		return err
	}
	_, err := d.typed(ctx, d.availd, "orgrel", "set", "Contoso", "--database", d.fabrikam.Database, "--target-application-uri", "test."+d.contoso.Domain)
	return err
}
