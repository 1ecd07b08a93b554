// Command fedgateway is a federation gateway: it registers organizations and issues delegation tokens.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/availd/availd/internal/gatewaycli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	status := gatewaycli.Run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}
