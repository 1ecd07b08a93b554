// Command availdemo starts the real binaries, a federation gateway and two organizations, sets them up by the commands
// that an administrator would type, performs one lookup and prints its eleven steps. It imports nothing of availd: a ✓
// comes only from the request record of the process that did the step.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// takesEffect is how long a change of the configuration may take to reach every node.
const takesEffect = 1100 * time.Millisecond

var breaks = []string{"no-relationship", "relationship-off", "unknown-issuer", "wrong-audience", "expired-token", "no-external-url", "gateway-down", "database-down"}

type options struct {
	once    bool
	broken  string
	profile string
	dir     string
}

func main() {
	var o options
	flag.BoolVar(&o.once, "once", false, "end after the lookup")
	flag.StringVar(&o.broken, "break", "", "break one thing first: "+strings.Join(breaks, ", "))
	flag.StringVar(&o.profile, "profile", "modern", "modern, or exchange: SHA-1 and 3DES as in the published Exchange traces")
	flag.StringVar(&o.dir, "dir", "", "keep everything in this folder (default: a temporary one)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "availdemo:", err)
		os.Exit(2)
	}
}

func run(ctx context.Context, o options) (err error) {
	if o.broken != "" && !slices.Contains(breaks, o.broken) {
		return fmt.Errorf("-break %q is not one of %s", o.broken, strings.Join(breaks, ", "))
	}
	if o.profile != "modern" && o.profile != "exchange" {
		return fmt.Errorf("-profile %q is not modern or exchange", o.profile)
	}
	if flag.NArg() > 0 {
		return fmt.Errorf("there is no argument %q", flag.Arg(0))
	}
	if o.dir == "" {
		if o.dir, err = os.MkdirTemp("", "availdemo-"); err != nil {
			return err
		}
		defer os.RemoveAll(o.dir)
	}
	d := &demo{options: o}
	defer d.stop()
	if err := d.setUp(ctx); err != nil {
		return err
	}
	if err := d.breakIt(ctx); err != nil {
		return err
	}
	time.Sleep(takesEffect)
	failed, err := d.lookup(ctx)
	if err != nil {
		return err
	}
	if failed {
		return errors.New("the lookup did not go through all eleven steps")
	}
	if o.once {
		return nil
	}
	d.printHelp()
	<-ctx.Done()
	fmt.Println("\nstopping")
	return nil
}
