package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/listen"
	"github.com/availd/availd/internal/server"
)

// adminListen is where a node's admin listener is unless it was told otherwise.
const adminListen = "127.0.0.1:9443"

func serveCommand() *cobra.Command {
	var o server.Options
	var private, proxies []string
	var logLevel, logFormat string
	var proxy string
	cmd := &cobra.Command{Use: "serve", Short: "Serve partners and own users", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		o.Database, _ = cmd.Flags().GetString("database")
		o.MasterKeyFile, _ = cmd.Flags().GetString("master-key-file")
		var err error
		if o.AllowPrivate, err = prefixes("allow-private", private); err != nil {
			return err
		}
		if o.Proxies, err = prefixes("trusted-proxy", proxies); err != nil {
			return err
		}
		if proxy != "" {
			u, err := url.Parse(proxy)
			if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
				return fault.New(fault.Invalid, "--proxy is no http or https URL")
			}
			o.Proxy = u
		}
		if err := positive(cmd.Flags()); err != nil {
			return err
		}
		if o.TLSCert == "" || o.TLSKey == "" {
			return fault.New(fault.Invalid, "serve needs --tls-cert and --tls-key (availd dev-ca makes a pair for a trial)")
		}
		if o.Log, err = logger(cmd.ErrOrStderr(), logLevel, logFormat); err != nil {
			return err
		}
		if err := listen.NoCoreDumps(); err != nil {
			o.Log.Warn("core dumps cannot be switched off", "error", err.Error())
		}
		return server.Run(cmd.Context(), o)
	}}
	f := cmd.Flags()
	f.StringVar(&o.Listen, "listen", ":443", "public address")
	f.StringVar(&o.AdminListen, "admin-listen", adminListen, "address of health, metrics, caches and profiles; loopback only; empty: none")
	f.StringVar(&o.TLSCert, "tls-cert", "", "TLS certificate (PEM), read anew when it changes")
	f.StringVar(&o.TLSKey, "tls-key", "", "TLS private key (PEM, mode 0600)")
	f.StringArrayVar(&o.Hosts, "host", nil, "name under which partners reach us (repeatable); wsa:To is held to it")
	f.StringArrayVar(&private, "allow-private", nil, "private address range that may be dialled (repeatable)")
	f.StringArrayVar(&proxies, "trusted-proxy", nil, "address range of a reverse proxy whose X-Forwarded-For is believed (repeatable)")
	f.StringVar(&proxy, "proxy", "", "URL of the web proxy for all outgoing calls; the environment's proxy settings are not used")
	f.DurationVar(&o.DrainDelay, "drain-delay", 5*time.Second, "how long to go on accepting after SIGTERM, for balancers to notice")
	f.StringVar(&logLevel, "log-level", "info", "debug, info, warn or error")
	f.StringVar(&logFormat, "log-format", "json", "json, or text for a terminal")
	limitFlags(f, &o)
	return cmd
}

// readyCommand asks the node beside it, for health checks in images without a shell.
func readyCommand() *cobra.Command {
	var address string
	cmd := &cobra.Command{Use: "ready", Short: "Ask the node on this machine whether it is ready", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		ctx, cancel := context.WithTimeout(cmd.Context(), 4*time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", http.NoBody)
		if err != nil {
			return fault.New(fault.Invalid, "--admin-listen %q is no address", address)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return fault.New(fault.Unavailable, "no node answers at %s", address)
		}
		defer resp.Body.Close()
		line, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
		if err != nil {
			return err
		}
		if resp.StatusCode != http.StatusOK {
			return fault.New(fault.Unavailable, "%s", strings.TrimSpace(string(line)))
		}
		fmt.Fprint(cmd.OutOrStdout(), string(line))
		return nil
	}}
	cmd.Flags().StringVar(&address, "admin-listen", adminListen, "admin listener of the node")
	return cmd
}

// limitFlags are the limits of the service, all of them settings.
func limitFlags(f *pflag.FlagSet, o *server.Options) {
	o.Availability = availability.DefaultLimits()
	f.IntVar(&o.Limits.InFlight, "max-in-flight", 256, "requests of the whole server at once")
	f.IntVar(&o.Limits.Relationship, "max-per-relationship", 27, "requests of one organization relationship at once")
	f.IntVar(&o.Limits.Source, "max-per-source", 20, "requests of one address at once whose caller is not known yet")
	f.DurationVar(&o.Limits.QueueWait, "queue-wait", 500*time.Millisecond, "how long a request waits for its turn before it is refused")
	f.IntVar(&o.Availability.Mailboxes, "max-mailboxes", o.Availability.Mailboxes, "mailboxes of one request")
	f.DurationVar(&o.Availability.Window, "max-window", o.Availability.Window, "time window of one request")
	f.IntVar(&o.Availability.Entries, "max-entries", o.Availability.Entries, "calendar entries per mailbox of one request")
	f.DurationVar(&o.Availability.Remote, "remote-timeout", o.Availability.Remote, "how long a partner may take to answer")
	f.DurationVar(&o.Timeouts.Header, "header-timeout", 5*time.Second, "until a request's headers are read")
	f.DurationVar(&o.Timeouts.Read, "read-timeout", 15*time.Second, "until the whole request is read")
	f.DurationVar(&o.Timeouts.Write, "write-timeout", 60*time.Second, "until the answer is written")
	f.DurationVar(&o.Timeouts.Idle, "idle-timeout", 60*time.Second, "between two requests of a connection")
}

// positive refuses limits under which nothing could be served.
func positive(f *pflag.FlagSet) (err error) {
	f.VisitAll(func(f *pflag.Flag) {
		limit := strings.HasPrefix(f.Name, "max-") || strings.HasSuffix(f.Name, "-timeout") || f.Name == "queue-wait"
		if v := f.Value.String(); limit && (v == "0" || v == "0s" || strings.HasPrefix(v, "-")) {
			err = fault.New(fault.Invalid, "--%s %s is not more than nothing", f.Name, v)
		}
	})
	return err
}

func prefixes(flag string, texts []string) (out []netip.Prefix, err error) {
	for _, s := range texts {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fault.New(fault.Invalid, "--%s %q is no address range", flag, s)
		}
		out = append(out, p)
	}
	return out, nil
}

func logger(w io.Writer, level, format string) (*slog.Logger, error) {
	o := &slog.HandlerOptions{}
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fault.New(fault.Invalid, "--log-level %q is not debug, info, warn or error", level)
	}
	o.Level = l
	switch format {
	case "json":
		return slog.New(slog.NewJSONHandler(w, o)), nil
	case "text":
		return slog.New(slog.NewTextHandler(w, o)), nil
	}
	return nil, fault.New(fault.Invalid, "--log-format %q is not json or text", format)
}
