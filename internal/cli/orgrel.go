package cli

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

func orgrelCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "orgrel", Short: "Organization relationships: who may see how much, and whom we can ask"}
	create := &cobra.Command{Use: "create NAME", Short: "Create a relationship", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return change(cmd, args[0], func(ctx context.Context, st store.Store) error {
			r := &orgrel.OrganizationRelationship{Name: args[0], Enabled: true, MailTipsAccessLevel: "None"}
			if err := applyRelationship(cmd.Flags(), r); err != nil {
				return err
			}
			return putRelationship(ctx, st, r)
		})
	}}
	set := &cobra.Command{Use: "set NAME", Short: "Change a relationship; it takes effect within a second", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return change(cmd, args[0], func(ctx context.Context, st store.Store) error {
			r, err := findRelationship(ctx, st, args[0])
			if err != nil {
				return err
			}
			if err := applyRelationship(cmd.Flags(), r); err != nil {
				return err
			}
			return putRelationship(ctx, st, r)
		})
	}}
	for _, c := range []*cobra.Command{create, set} {
		relationshipFlags(c.Flags())
	}
	show := &cobra.Command{Use: "show NAME", Short: "Show a relationship", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return withStore(cmd, func(ctx context.Context, st store.Store) error {
			r, err := findRelationship(ctx, st, args[0])
			if err != nil {
				return err
			}
			return print(cmd, 6, relationshipProperties(r))
		})
	}}
	list := &cobra.Command{Use: "list", Short: "List relationships", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return withStore(cmd, func(ctx context.Context, st store.Store) error {
			cfg, err := st.LoadConfig(ctx)
			if err != nil {
				return err
			}
			var out [][]property
			for _, r := range cfg.Relationships {
				out = append(out, relationshipProperties(r))
			}
			return print(cmd, 6, out...)
		})
	}}
	remove := &cobra.Command{Use: "remove NAME", Short: "Remove a relationship", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return change(cmd, args[0], func(ctx context.Context, st store.Store) error {
			r, err := findRelationship(ctx, st, args[0])
			if err != nil {
				return err
			}
			return st.DeleteRelationship(ctx, r.ID)
		})
	}}
	cmd.AddCommand(create, set, show, list, remove)
	return cmd
}

func relationshipFlags(f *pflag.FlagSet) {
	f.StringArray("domain", nil, "domain of the partner (repeatable); exact, subdomains are not covered")
	f.Bool("enabled", true, "false stops everything over this relationship")
	f.Bool("free-busy-access", false, "free/busy in both directions")
	f.String("free-busy-access-level", "", "None, AvailabilityOnly or LimitedDetails: the most that the partner is shown")
	f.String("free-busy-access-scope", "", "group whose members only are shown; empty: everyone")
	f.String("target-application-uri", "", "the partner's name at the gateway")
	f.String("target-autodiscover-epr", "", "https URL of the partner's Autodiscover service")
	f.String("target-sharing-epr", "", "https URL of the partner's EWS; then Autodiscover is not asked")
	f.String("contact", "", "whom to ask there")
	f.StringArray("allow-address", nil, "private address range where the partner's servers may lie (repeatable)")
	f.String("ca-file", "", "roots for the partner's TLS (PEM)")
}

// applyRelationship takes the flags that were typed.
func applyRelationship(f *pflag.FlagSet, r *orgrel.OrganizationRelationship) (err error) {
	str := func(name string, into *string) {
		if f.Changed(name) {
			*into, _ = f.GetString(name)
		}
	}
	str("target-application-uri", &r.TargetApplicationUri)
	str("target-autodiscover-epr", &r.TargetAutodiscoverEpr)
	str("target-sharing-epr", &r.TargetSharingEpr)
	str("contact", &r.OrganizationContact)
	str("ca-file", &r.CAFile)
	if f.Changed("enabled") {
		r.Enabled, _ = f.GetBool("enabled")
	}
	if f.Changed("free-busy-access") {
		r.FreeBusyAccessEnabled, _ = f.GetBool("free-busy-access")
	}
	if f.Changed("domain") {
		names, _ := f.GetStringArray("domain")
		if r.DomainNames, err = domains(names); err != nil {
			return err
		}
	}
	if f.Changed("free-busy-access-level") {
		s, _ := f.GetString("free-busy-access-level")
		if r.FreeBusyAccessLevel, err = orgrel.ParseAccessLevel(s); err != nil {
			return fault.New(fault.Invalid, "%v", err)
		}
	}
	if f.Changed("free-busy-access-scope") {
		s, _ := f.GetString("free-busy-access-scope")
		r.FreeBusyAccessScope = smtpaddr.Address{}
		if s != "" {
			if r.FreeBusyAccessScope, err = smtpaddr.ParseAddress(s); err != nil {
				return fault.New(fault.Invalid, "--free-busy-access-scope: %v", err)
			}
		}
	}
	if f.Changed("allow-address") {
		ranges, _ := f.GetStringArray("allow-address")
		r.AllowAddresses = nil
		for _, s := range ranges {
			p, err := netip.ParsePrefix(s)
			if err != nil {
				return fault.New(fault.Invalid, "--allow-address %q is no address range", s)
			}
			r.AllowAddresses = append(r.AllowAddresses, p)
		}
	}
	return nil
}

func putRelationship(ctx context.Context, st store.Store, r *orgrel.OrganizationRelationship) error {
	cfg, err := st.LoadConfig(ctx)
	if err != nil {
		return err
	}
	if len(r.Name) > 64 || strings.TrimSpace(r.Name) == "" {
		return fault.New(fault.Invalid, "the name must have 1 to 64 characters")
	}
	if len(r.DomainNames) == 0 || len(r.DomainNames) > 238 {
		return fault.New(fault.Invalid, "a relationship has 1 to 238 domains; give --domain")
	}
	for _, d := range r.DomainNames {
		if cfg.Organization.Owns(d) {
			return fault.New(fault.Invalid, "%s is our own domain", d)
		}
	}
	for name, url := range map[string]string{"target-autodiscover-epr": r.TargetAutodiscoverEpr, "target-sharing-epr": r.TargetSharingEpr} {
		if url != "" && !strings.HasPrefix(url, "https://") {
			return fault.New(fault.Invalid, "--%s %q is not https", name, url)
		}
	}
	if !r.FreeBusyAccessScope.IsZero() {
		if _, err := st.Group(ctx, r.FreeBusyAccessScope); err != nil {
			return err
		}
	}
	return st.PutRelationship(ctx, r)
}

func findRelationship(ctx context.Context, st store.Store, name string) (*orgrel.OrganizationRelationship, error) {
	cfg, err := st.LoadConfig(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(cfg.Relationships, func(r *orgrel.OrganizationRelationship) bool { return strings.EqualFold(r.Name, name) })
	if i < 0 {
		return nil, fault.New(fault.NotFound, "there is no organization relationship %q", name)
	}
	return cfg.Relationships[i], nil
}

func relationshipProperties(r *orgrel.OrganizationRelationship) []property {
	return []property{{"Name", r.Name}, {"DomainNames", r.DomainNames}, {"Enabled", r.Enabled}, {"FreeBusyAccessEnabled", r.FreeBusyAccessEnabled},
		{"FreeBusyAccessLevel", r.FreeBusyAccessLevel}, {"FreeBusyAccessScope", r.FreeBusyAccessScope}, {"TargetApplicationUri", r.TargetApplicationUri},
		{"TargetAutodiscoverEpr", r.TargetAutodiscoverEpr}, {"TargetSharingEpr", r.TargetSharingEpr}, {"OrganizationContact", r.OrganizationContact},
		{"AllowAddresses", r.AllowAddresses}, {"CAFile", r.CAFile}, {"WhenCreated", r.WhenCreated}, {"WhenChanged", r.WhenChanged}, {"Guid", r.ID}}
}
