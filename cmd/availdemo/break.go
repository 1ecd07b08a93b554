package main

import (
	"context"
	"errors"
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
		_, err := d.typed(ctx, d.availd, append(args, d.contoso.databaseFlags()...)...)
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
		return d.databaseDown()
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
	_, err := d.typed(ctx, d.availd, append(d.fabrikam.databaseFlags(), "orgrel", "set", "Contoso", "--target-application-uri", "test."+d.contoso.Domain)...)
	return err
}

// databaseDown is the fault that an operator meets: the server has gone; or, with SQLite, a restore went wrong and left
// an empty file.
func (d *demo) databaseDown() error {
	switch {
	case d.contoso.postgres != nil:
		fmt.Println("  Contoso's Postgres is stopped")
		d.contoso.postgres.stop()
		return nil
	case d.databaseURL != "":
		return errors.New("-break database-down does not stop a server that is not the demo's own: use -postgres, or SQLite")
	}
	fmt.Println("  a restore has gone wrong: Contoso's database file is empty")
	for _, suffix := range []string{"", "-wal"} {
		if err := os.Truncate(d.contoso.Database+suffix, 0); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	// The index that the server's connections share keeps its length, as they have it in memory; while it says that
	// nothing has changed, they may go on for a while with the pages they remember.
	index, err := os.OpenFile(d.contoso.Database+"-shm", os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer index.Close()
	_, err = index.Write(make([]byte, 136)) // its two headers and what follows them: sqlite.org/walformat.html §2.1
	return err
}
