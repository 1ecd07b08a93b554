package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/availd/availd/internal/admin"
	"github.com/availd/availd/internal/doctor"
	"github.com/availd/availd/smtpaddr"
)

// errCheckFailed ends a verb whose checks did not all pass; what failed is printed already.
var errCheckFailed = errors.New("a check failed")

// diagnosis are the flags that the tests and the doctor share.
type diagnosis struct {
	network
	user, mailbox, publicResolver string
}

func (d *diagnosis) flags(f *pflag.FlagSet) {
	d.network.flags(f)
	d.tlsFlags(f)
	f.StringVar(&d.user, "user", "", "who asks (default: the test user)")
	f.StringVar(&d.mailbox, "mailbox", "", "about whom")
}

// options are those of an examination; who and about whom may be left out.
func (d *diagnosis) options(ctx context.Context, a *admin.Admin) (o doctor.Options, err error) {
	if err = d.follow(ctx, a); err != nil {
		return o, err
	}
	clients, err := d.clients()
	if err != nil {
		return o, err
	}
	o = doctor.Options{Store: a.Store, HTTP: doctorHTTP(clients), System: d.system(), Proxy: d.proxy, CAFile: d.caFile, TrustedHosts: d.trustedHosts, Now: time.Now}
	if d.publicResolver != "" {
		o.Public = doctor.NewResolver(d.publicResolver)
	}
	if o.AllowPrivate, err = prefixes("allow-address", d.allow); err != nil {
		return o, err
	}
	for _, t := range []struct {
		text string
		into *smtpaddr.Address
	}{{d.user, &o.User}, {d.mailbox, &o.Mailbox}} {
		if t.text == "" {
			continue
		}
		if *t.into, err = address(t.text); err != nil {
			return o, err
		}
	}
	return o, nil
}

// tester is options for a test, which has a user in any case.
func (d *diagnosis) tester(ctx context.Context, a *admin.Admin) (doctor.Options, error) {
	o, err := d.options(ctx, a)
	if err == nil && o.User.IsZero() {
		o.User, err = a.TestUser(ctx)
	}
	return o, err
}

func testCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "test", Short: "Step-by-step tests of the federation trust and of organization relationships"}
	cmd.AddCommand(testTrustCommand("federation-trust"), testRelationshipCommand("organization-relationship NAME"))
	return cmd
}

func testTrustCommand(use string) *cobra.Command {
	var d diagnosis
	cmd := &cobra.Command{Use: use, Short: "Test the federation trust step by step (Test-FederationTrust)", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			o, err := d.tester(ctx, a)
			if err != nil {
				return err
			}
			return printTest(cmd, doctor.TestFederationTrust(ctx, o, saying(cmd)), func(r doctor.TestResult) []property {
				return []property{{"Id", r.ID}, {"Type", r.Outcome}, {"Message", r.Text}}
			})
		})
	}}
	d.flags(cmd.Flags())
	_ = cmd.Flags().MarkHidden("mailbox")
	return cmd
}

func testRelationshipCommand(use string) *cobra.Command {
	var d diagnosis
	cmd := &cobra.Command{Use: use, Short: "Test an organization relationship step by step (Test-OrganizationRelationship); with --mailbox up to the calendar", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			rel, err := a.Relationship(ctx, args[0])
			if err != nil {
				return err
			}
			o, err := d.tester(ctx, a)
			if err != nil {
				return err
			}
			o.Partner = rel.Name
			return printTest(cmd, doctor.TestOrganizationRelationship(ctx, o, saying(cmd)), func(r doctor.TestResult) []property {
				return []property{{"Identity", rel.Name}, {"Id", r.ID}, {"Status", r.Outcome}, {"Description", r.Text}, {"IsValid", true}, {"ObjectState", "New"}}
			})
		})
	}}
	d.flags(cmd.Flags())
	return cmd
}

// saying prints the text of a test as it goes on; JSON is for programs, which read the objects.
func saying(cmd *cobra.Command) func(line string) {
	return func(line string) {
		if format(cmd) != formatJSON {
			fmt.Fprintln(cmd.OutOrStdout(), line)
		}
	}
}

func printTest(cmd *cobra.Command, results []doctor.TestResult, properties func(doctor.TestResult) []property) error {
	p := newPrinter(cmd, 0)
	if p.format == formatTable {
		p.format = formatList // a message is a sentence, and Exchange lists them so
	}
	for i, r := range results {
		if i == 0 && p.format != formatJSON {
			fmt.Fprintln(cmd.OutOrStdout())
		}
		p.add(properties(r))
	}
	if err := p.close(); err != nil {
		return err
	}
	if doctor.Failed(results) {
		return errCheckFailed
	}
	return nil
}

func testUserCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "test-user", Short: "The mailbox on whose behalf tests ask"}
	var org string
	create := &cobra.Command{Use: "create", Short: "Make a test mailbox (New-TestCasConnectivityUser.ps1); its password is shown once", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		g := &given{flags: cmd.Flags()}
		d := g.domain("org")
		if g.err != nil {
			return g.err
		}
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			var in smtpaddr.Domain
			if d != nil {
				in = *d
			}
			m, password, err := a.CreateTestUser(ctx, in)
			if err != nil {
				return err
			}
			return printOne(cmd, []property{{"PrimarySmtpAddress", m.Address}, {"Password", password}})
		})
	}}
	create.Flags().StringVar(&org, "org", "", "domain of the mailbox (default: the first federated one)")
	cmd.AddCommand(create)
	return cmd
}
