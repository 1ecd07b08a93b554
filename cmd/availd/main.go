// Command availd answers free/busy for federated partners and own users, and administers itself.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/availd/availd/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	status := cli.Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}
