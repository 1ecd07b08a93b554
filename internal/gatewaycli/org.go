package gatewaycli

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/availd/availd/federation/gateway"
	"github.com/availd/availd/internal/gatewayadmin"
)

func (c *cli) orgCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "org", Short: "Registered organizations"}
	var n gatewayadmin.NewOrganization
	var certFile string
	add := &cobra.Command{Use: "add NAME", Short: "Register an organization: this is the administrator's approval of it and its domains", Args: cobra.ExactArgs(1),
		RunE: c.verb(func(ctx context.Context, a *gatewayadmin.Admin, args []string) (any, error) {
			pem, err := os.ReadFile(certFile)
			if err != nil {
				return nil, err
			}
			n.Name, n.Certificate = args[0], string(pem)
			_, err = a.AddOrganization(ctx, n)
			return nil, err
		})}
	add.Flags().StringVar(&n.ApplicationUri, "application-uri", "", "the organization's ApplicationUri: issuer of its requests, audience of its tokens")
	add.Flags().StringVar(&n.AccountNamespace, "account-namespace", "", "namespace of its users' immutable ids")
	add.Flags().StringVar(&n.Contact, "contact", "", "address of its administrator")
	add.Flags().StringVar(&n.Instance, "instance", "", "instance of the gateway (default: the first)")
	add.Flags().StringVar(&certFile, "certificate", "", "its organization certificate (PEM)")
	_ = add.MarkFlagRequired("certificate")
	add.Flags().StringArrayVar(&n.Domains, "domain", nil, "a domain for whose users it may speak (repeatable)")
	list := &cobra.Command{Use: "list", Short: "List organizations", Args: cobra.NoArgs, RunE: c.verb(func(ctx context.Context, a *gatewayadmin.Admin, _ []string) (any, error) {
		orgs, err := a.Organizations(ctx)
		return organizationTable(orgs), err
	})}
	show := &cobra.Command{Use: "show NAME", Short: "Show an organization, its certificates, domains with the TXT values that prove them, and its partner list", Args: cobra.ExactArgs(1),
		RunE: c.verb(func(ctx context.Context, a *gatewayadmin.Admin, args []string) (any, error) {
			return a.Organization(ctx, args[0])
		})}
	var withDomains bool
	approve := &cobra.Command{Use: "approve NAME", Short: "Let an organization have tokens", Args: cobra.ExactArgs(1), RunE: c.verb(func(ctx context.Context, a *gatewayadmin.Admin, args []string) (any, error) {
		return nil, a.ApproveOrganization(ctx, args[0], withDomains)
	})}
	approve.Flags().BoolVar(&withDomains, "with-domains", false, "approve the domains that it has reserved, without proof")
	disable := &cobra.Command{Use: "disable NAME", Short: "Issue no tokens to or for an organization", Args: cobra.ExactArgs(1), RunE: c.verb(func(ctx context.Context, a *gatewayadmin.Admin, args []string) (any, error) {
		return nil, a.Store.SetState(ctx, args[0], gateway.Disabled)
	})}
	remove := &cobra.Command{Use: "remove NAME", Short: "Forget an organization and release its domains", Args: cobra.ExactArgs(1), RunE: c.verb(func(ctx context.Context, a *gatewayadmin.Admin, args []string) (any, error) {
		return nil, a.Store.Remove(ctx, args[0])
	})}
	cmd.AddCommand(add, list, show, approve, disable, remove)
	return cmd
}

func organizationTable(orgs []gatewayadmin.Organization) table {
	t := table{head: []string{"NAME", "STATE", "APPLICATION URI", "DOMAINS", "CERTIFICATE UNTIL"}, of: orgs}
	for _, o := range orgs {
		var domains []string
		for _, d := range o.Domains {
			domains = append(domains, d.Name)
		}
		t.rows = append(t.rows, []string{o.Name, o.State, o.ApplicationUri, strings.Join(domains, ","), o.Certificates[0].NotAfter.Format(time.DateOnly)})
	}
	return t
}

func (c *cli) domainCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "domain", Short: "Domains for whose users organizations may speak"}
	for verb, short := range map[string]string{
		"add":     "Reserve a domain for an organization",
		"verify":  "Look for the organization's TXT record at the domain; with it the domain is the organization's",
		"approve": "Make a reserved domain the organization's without proof",
		"remove":  "Release a domain",
	} {
		cmd.AddCommand(&cobra.Command{Use: verb + " ORGANIZATION DOMAIN", Short: short, Args: cobra.ExactArgs(2), RunE: c.verb(func(ctx context.Context, a *gatewayadmin.Admin, args []string) (any, error) {
			return nil, a.OnDomain(ctx, verb, args[0], args[1])
		})})
	}
	cmd.AddCommand(&cobra.Command{Use: "list [ORGANIZATION]", Short: "List domains, their states and when they were looked at", Args: cobra.MaximumNArgs(1),
		RunE: c.verb(func(ctx context.Context, a *gatewayadmin.Admin, args []string) (any, error) {
			name := ""
			if len(args) == 1 {
				name = args[0]
			}
			domains, err := a.DomainList(ctx, name)
			t := table{head: []string{"DOMAIN", "ORGANIZATION", "STATE", "HOW", "CHECKED", "TXT"}, of: domains}
			for _, d := range domains {
				t.rows = append(t.rows, []string{d.Name, d.Organization, d.State, d.How, d.CheckedAt.Format(time.DateTime), strings.Join(d.Proofs, " or ")})
			}
			return t, err
		})})
	return cmd
}

func (c *cli) certificateCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "certificate", Short: "Certificates of organizations"}
	cmd.AddCommand(&cobra.Command{Use: "next ORGANIZATION FILE", Short: "Install an organization's next certificate", Args: cobra.ExactArgs(2),
		RunE: c.verb(func(ctx context.Context, a *gatewayadmin.Admin, args []string) (any, error) {
			pem, err := os.ReadFile(args[1])
			if err != nil {
				return nil, err
			}
			return nil, a.NextCertificate(ctx, args[0], string(pem))
		})},
		&cobra.Command{Use: "publish ORGANIZATION", Short: "Encrypt tokens to the next certificate; the current one becomes previous and still signs requests", Args: cobra.ExactArgs(1),
			RunE: c.verb(func(ctx context.Context, a *gatewayadmin.Admin, args []string) (any, error) {
				return nil, a.Store.PublishCertificate(ctx, args[0])
			})},
		&cobra.Command{Use: "remove ORGANIZATION next|previous", Short: "Forget an organization's next or previous certificate", Args: cobra.ExactArgs(2),
			RunE: c.verb(func(ctx context.Context, a *gatewayadmin.Admin, args []string) (any, error) {
				return nil, a.Store.RemoveCertificate(ctx, args[0], args[1])
			})})
	return cmd
}

func (c *cli) signingKeyCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "signing-key", Short: "The gateway's own token-signing keys"}
	var force bool
	publish := &cobra.Command{Use: "publish", Short: "Sign tokens with the next key", Args: cobra.NoArgs, RunE: c.verb(func(ctx context.Context, a *gatewayadmin.Admin, _ []string) (any, error) {
		return nil, a.PublishSigningKey(ctx, force)
	})}
	publish.Flags().BoolVar(&force, "force", false, "although partners may not know the key yet")
	cmd.AddCommand(publish,
		&cobra.Command{Use: "next", Short: "Make the next signing key and put its certificate into the metadata", Args: cobra.NoArgs, RunE: c.verb(func(ctx context.Context, a *gatewayadmin.Admin, _ []string) (any, error) {
			return nil, a.NextSigningKey(ctx)
		})},
		&cobra.Command{Use: "list", Short: "List the signing keys", Args: cobra.NoArgs, RunE: c.verb(func(ctx context.Context, a *gatewayadmin.Admin, _ []string) (any, error) {
			keys, err := a.SigningKeys(ctx)
			t := table{head: []string{"ROLE", "SINCE", "VALID UNTIL", "DAYS LEFT", "SUBJECT KEY IDENTIFIER"}, of: keys}
			for _, k := range keys {
				t.rows = append(t.rows, []string{k.Role, k.Since.Format(time.DateTime), k.NotAfter.Format(time.DateOnly), fmt.Sprint(k.DaysLeft), k.SubjectKeyIdentifier})
			}
			return t, err
		})})
	return cmd
}

func (c *cli) auditCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "audit", Short: "What was changed, and what was issued"}
	var issued bool
	var organization string
	var n int
	list := &cobra.Command{Use: "list", Short: "List the last changes, or with --issued the last tokens", Args: cobra.NoArgs, RunE: c.verb(func(ctx context.Context, a *gatewayadmin.Admin, _ []string) (any, error) {
		if issued {
			tokens, err := a.Store.IssuedTokens(ctx, organization, n)
			t := table{head: []string{"WHEN", "ORGANIZATION", "USER", "TARGET", "ACTION", "ASSERTION"}, of: tokens}
			for _, i := range tokens {
				t.rows = append(t.rows, []string{i.When.Format(time.DateTime), i.Organization, i.User, i.Target, i.Action, i.Assertion})
			}
			return t, err
		}
		changes, err := a.Store.Changes(ctx, n)
		t := table{head: []string{"WHEN", "WHO", "VERB", "OBJECT", "DETAIL"}, of: changes}
		for _, ch := range changes {
			t.rows = append(t.rows, []string{ch.At.Format(time.DateTime), ch.Actor, ch.Verb, ch.Object, ch.Detail})
		}
		return t, err
	})}
	list.Flags().BoolVar(&issued, "issued", false, "the issued tokens")
	list.Flags().StringVar(&organization, "organization", "", "tokens of this organization only")
	list.Flags().IntVarP(&n, "number", "n", 100, "how many")
	cmd.AddCommand(list)
	return cmd
}
