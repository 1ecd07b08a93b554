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

	postgres    bool
	databaseURL string
}

func main() {
	var o options
	flag.BoolVar(&o.once, "once", false, "end after the lookup")
	flag.StringVar(&o.broken, "break", "", "break one thing first: "+strings.Join(breaks, ", "))
	flag.StringVar(&o.profile, "profile", "modern", "modern, or exchange: SHA-1 and 3DES as in the published Exchange traces")
	flag.StringVar(&o.dir, "dir", "", "keep everything in this folder (default: a temporary one)")
	flag.BoolVar(&o.postgres, "postgres", false, "keep the data in a private Postgres instead of SQLite")
	flag.StringVar(&o.databaseURL, "database-url", "", "keep the data in two schemas of this Postgres `URL` instead of SQLite")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "availdemo:", err)
		os.Exit(2)
	}
}

// check refuses what contradicts itself.
func (o *options) check() error {
	switch {
	case o.broken != "" && !slices.Contains(breaks, o.broken):
		return fmt.Errorf("-break %q is not one of %s", o.broken, strings.Join(breaks, ", "))
	case o.profile != "modern" && o.profile != "exchange":
		return fmt.Errorf("-profile %q is not modern or exchange", o.profile)
	case flag.NArg() > 0:
		return fmt.Errorf("there is no argument %q", flag.Arg(0))
	case o.postgres && o.databaseURL != "":
		return errors.New("-postgres starts a server of its own; -database-url names one: give one of them")
	}
	if o.dir == "" {
		return nil
	}
	// A demo begins with nothing: what another left would be half of its own.
	if entries, err := os.ReadDir(o.dir); err == nil && len(entries) > 0 {
		return fmt.Errorf("-dir %s is not empty; give a new folder, or remove it", o.dir)
	}
	return nil
}

func run(ctx context.Context, o options) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	temporary := o.dir == ""
	if temporary {
		if o.dir, err = os.MkdirTemp("", "availdemo-"); err != nil {
			return err
		}
		defer os.RemoveAll(o.dir)
	}
	d := &demo{options: o, temporary: temporary}
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
