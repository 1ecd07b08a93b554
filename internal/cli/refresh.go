package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/availd/availd/internal/admin"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/smtpaddr"
)

// discovery are the flags by which orgrel create takes a relationship from what the partner tells of itself.
type discovery struct {
	domains, issuers []string
	network          network
	validation
}

func (d *discovery) flags(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&d.domains, "from-discovery", nil, "domain of the partner to ask; fills in the Target… properties (repeatable)")
	cmd.Flags().StringArrayVar(&d.issuers, "token-issuer", nil, "token issuer of the partner; the relationship is refused where none of them is ours (repeatable)")
	cmd.MarkFlagsMutuallyExclusive("from-discovery", "domain")
	d.network.flags(cmd.Flags())
	d.validation.flags(cmd)
}

// create makes the relationship, of the flags alone or with what the partner tells.
func (d *discovery) create(ctx context.Context, a *admin.Admin, name string, p admin.RelationshipParams) error {
	if len(d.issuers) > 0 {
		if err := a.CheckTokenIssuers(ctx, d.issuers); err != nil {
			return err
		}
	}
	if len(d.domains) == 0 {
		_, err := a.CreateRelationship(ctx, name, p)
		return err
	}
	var asked []smtpaddr.Domain
	for _, s := range d.domains {
		domain, err := smtpaddr.ParseDomainIDN(s)
		if err != nil {
			return fault.New(fault.Invalid, "--from-discovery: %v", err)
		}
		asked = append(asked, domain)
	}
	params, err := d.network.discoverParams(d.confirm(), d.timeout)
	if err != nil {
		return err
	}
	if err := d.network.follow(ctx, a); err != nil {
		return err
	}
	a.Find = d.network.find
	_, err = a.CreateFromDiscovery(ctx, name, asked, p, params)
	return err
}

const refreshHelp = `Ask partners again what their relationships were made of, and show what has changed since.

Without NAME, every relationship that came from discovery is looked at. Nothing is changed unless --apply is given.
Domains are added and never removed: one that the partner does not tell of may still be its own. The exit status is 2
when there is drift that was not applied, or a partner could not be asked.`

func refreshCommand() *cobra.Command {
	var n network
	var v validation
	var dryRun, apply bool
	cmd := &cobra.Command{Use: "refresh [NAME]", Short: "Compare relationships with what their partners tell now", Long: refreshHelp, Args: cobra.MaximumNArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		p, err := n.discoverParams(v.confirm(), v.timeout)
		if err != nil {
			return err
		}
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			if err := n.follow(ctx, a); err != nil {
				return err
			}
			a.Find = n.find
			var drifts []*admin.Drift
			if len(args) == 0 {
				if drifts, err = a.RefreshRelationships(ctx, p, apply); err != nil {
					return err
				}
			} else {
				drift, err := a.RefreshRelationship(ctx, args[0], p, apply)
				if drift == nil {
					return err
				}
				drift.Err = err
				drifts = append(drifts, drift)
			}
			return printDrifts(cmd, drifts, apply)
		})
	}}
	n.flags(cmd.Flags())
	v.flags(cmd)
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "change nothing (the default)")
	cmd.Flags().BoolVar(&apply, "apply", false, "take what the partners tell")
	cmd.MarkFlagsMutuallyExclusive("dry-run", "apply")
	return cmd
}

func printDrifts(cmd *cobra.Command, drifts []*admin.Drift, apply bool) error {
	p := newPrinter(cmd, 0)
	open := false
	row := func(relationship, name, stored, found string) {
		p.add([]property{{"Relationship", relationship}, {"Property", name}, {"Stored", stored}, {"Found", found}})
	}
	for _, d := range drifts {
		for _, c := range d.Changes {
			row(d.Relationship, c.Property, c.Stored, c.Found)
		}
		for _, n := range d.NewDomains {
			row(d.Relationship, "DomainNames", "", n.String())
		}
		for _, s := range d.Unconfirmed {
			fmt.Fprintf(cmd.ErrOrStderr(), "warning: %s: %s\n", d.Relationship, s)
		}
		if d.Err != nil {
			fmt.Fprintf(cmd.ErrOrStderr(), "warning: %s: %s\n", d.Relationship, sentence(d.Err))
		}
		open = open || d.Err != nil || d.Drifted() && !apply
	}
	if err := p.close(); err != nil {
		return err
	}
	if open {
		return errCheckFailed
	}
	return nil
}
