package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/availd/availd/autodiscover"
	"github.com/availd/availd/internal/admin"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/smtpaddr"
)

const discoverHelp = `Ask a domain for its federation information (Get-FederationInformation).

It is looked for at autodiscover.DOMAIN, at DOMAIN, at the host to which plain http redirects, and at that of the SRV
record. Each domain that the answer claims is asked whether it says the same; those that do not are listed as
UnconfirmedDomains. A host of another domain is asked only where --trusted-hostname names it, or you say yes.`

func discoverCommand() *cobra.Command {
	var n network
	var v validation
	var force, trace bool
	cmd := &cobra.Command{Use: "discover DOMAIN", Short: "Ask a domain for its federation information", Long: discoverHelp, Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		d, err := smtpaddr.ParseDomainIDN(args[0])
		if err != nil {
			return fault.New(fault.Invalid, "%v", err)
		}
		p, err := n.discoverParams(v.confirm(), v.timeout)
		if err != nil {
			return err
		}
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			if err := n.follow(ctx, a); err != nil {
				return err
			}
			a.Find = n.find
			found, err := discoverTrusting(ctx, cmd, a, d, p, force)
			if trace {
				printTries(cmd.ErrOrStderr(), found.Tries)
			}
			if err != nil {
				return err
			}
			return printOne(cmd, discoveryProperties(found))
		})
	}}
	n.flags(cmd.Flags())
	n.tlsFlags(cmd.Flags())
	v.flags(cmd)
	cmd.Flags().BoolVar(&force, "force", false, "go where a redirect leads, without asking")
	cmd.Flags().BoolVar(&trace, "trace", false, "print every URL that was tried, and what came of it")
	return cmd
}

// validation is how many of the claimed domains are asked themselves.
type validation struct {
	count   int
	none    bool
	timeout time.Duration
}

func (v *validation) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.IntVar(&v.count, "validate-domains", 0, "ask at most so many of the domains that are claimed (default: all)")
	f.BoolVar(&v.none, "no-validation", false, "ask none of them")
	f.DurationVar(&v.timeout, "timeout", 30*time.Second, "for each domain")
	cmd.MarkFlagsMutuallyExclusive("validate-domains", "no-validation")
}

func (v *validation) confirm() int {
	switch {
	case v.none:
		return 0
	case v.count > 0:
		return v.count
	}
	return -1
}

// discoverTrusting asks the administrator about each host of another domain that the search is led to.
func discoverTrusting(ctx context.Context, cmd *cobra.Command, a *admin.Admin, d smtpaddr.Domain, p admin.DiscoverParams, force bool) (*admin.Discovery, error) {
	for range 4 {
		found, err := a.Discover(ctx, d, p)
		from, to := foreign(found.Tries)
		if err == nil || to == nil {
			return found, err
		}
		question := fmt.Sprintf("The autodiscovery request for federation information sent to '%s' returned an unsecure redirect to '%s'. If you trust %s host name, you can continue to get the federation information. Do you want to continue? [y/N] ", from, to.URL, to.Host)
		if !force && !agreed(cmd, question) {
			return found, fault.New(fault.Unavailable, "Federation information could not be received from the external organization. Autodiscover leads to %s, a host of another domain; where it is the partner's, give --trusted-hostname %s", to.URL, to.Host)
		}
		p.TrustedHosts = append(p.TrustedHosts, to.Host)
	}
	return &admin.Discovery{Domain: d}, fault.New(fault.Unavailable, "Autodiscover leads to ever more hosts")
}

// foreign is the host of another domain that a search was led to.
func foreign(tries []autodiscover.Try) (from string, to *autodiscover.UntrustedHostError) {
	for _, t := range tries {
		if u, ok := errors.AsType[*autodiscover.UntrustedHostError](t.Err); ok {
			return t.URL, u
		}
	}
	return "", nil
}

// agreed asks on the terminal; where there is none, the answer is no.
func agreed(cmd *cobra.Command, question string) bool {
	f, ok := cmd.InOrStdin().(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return false
	}
	fmt.Fprint(cmd.ErrOrStderr(), question)
	line, err := bufio.NewReader(f).ReadString('\n')
	return err == nil && strings.HasPrefix(strings.ToLower(strings.TrimSpace(line)), "y")
}

func printTries(w io.Writer, tries []autodiscover.Try) {
	for _, t := range tries {
		fmt.Fprintf(w, "%s: %s\n", t.How, t.URL)
		for _, hop := range t.Via {
			fmt.Fprintf(w, "  to %s\n", hop)
		}
		if t.Err != nil {
			fmt.Fprintf(w, "  %v\n", t.Err)
		} else {
			fmt.Fprintln(w, "  answered")
		}
	}
}

func discoveryProperties(d *admin.Discovery) []property {
	issuers := make([]string, len(d.Info.TokenIssuers))
	for i, t := range d.Info.TokenIssuers {
		issuers[i] = t.Uri
	}
	unconfirmed := make([]string, len(d.Info.Unconfirmed))
	for i, u := range d.Info.Unconfirmed {
		unconfirmed[i] = fmt.Sprintf("%s (%v)", u.Domain, u.Err)
	}
	return []property{{"Identity", d.Domain}, {"TargetApplicationUri", d.Info.ApplicationUri}, {"DomainNames", d.Info.Domains}, {"TargetAutodiscoverEpr", d.Info.TargetAutodiscoverEpr},
		{"TokenIssuerUris", issuers}, {"IsValid", d.Info.ApplicationUri != "" && d.Info.TargetAutodiscoverEpr != ""}, {"UnconfirmedDomains", unconfirmed}}
}
