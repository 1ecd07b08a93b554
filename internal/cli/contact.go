package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/availd/availd/internal/admin"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

func contactCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "contact", Short: "Contacts: persons at partners under addresses of ours", Long: `Contacts: persons at partners under addresses of ours.

Who asks for a contact's address is answered with the calendar of its target, which the partner is asked for.`}
	add := &cobra.Command{Use: "add [ADDRESS]", Short: "Add a contact; without an address of ours, in the address list only", Args: cobra.MaximumNArgs(1), RunE: addContact}
	add.Flags().String("target", "", "the person's address at the partner")
	add.Flags().String("name", "", "display name")
	remove := &cobra.Command{Use: "remove ADDRESS", Short: "Remove a contact", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return withMailbox(cmd, args, func(ctx context.Context, a *admin.Admin, c smtpaddr.Address) error { return a.RemoveContact(ctx, c) })
	}}
	list := &cobra.Command{Use: "list [NAME]", Short: "List contacts: all, or those of an address or a name (with * and ?)", Args: cobra.MaximumNArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			p := newPrinter(cmd, 0)
			for c, err := range a.ContactsLike(ctx, cmp.Or(strings.Join(args, ""), "*")) {
				if err != nil {
					return err
				}
				p.add([]property{{"PrimarySmtpAddress", c.Address}, {"DisplayName", c.DisplayName}, {"ExternalEmailAddress", c.Target}})
			}
			return p.close()
		})
	}}
	export := &cobra.Command{Use: "export", Short: "Write all contacts as CSV", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			return admin.WriteContacts(cmd.OutOrStdout(), a.Contacts(ctx))
		})
	}}
	cmd.AddCommand(add, remove, list, importContacts(), export)
	return cmd
}

func addContact(cmd *cobra.Command, args []string) error {
	g := &given{flags: cmd.Flags()}
	target, name := g.address("target"), g.text("name")
	switch {
	case g.err != nil:
		return g.err
	case target == nil || target.IsZero():
		return fault.New(fault.Invalid, "give --target: the person's address at the partner")
	}
	c := &mailbox.Contact{Address: *target, Target: *target}
	if name != nil {
		c.DisplayName = *name
	}
	if len(args) > 0 {
		var err error
		if c.Address, err = address(args[0]); err != nil {
			return err
		}
	}
	return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error { return a.AddContact(ctx, c) })
}

func importContacts() *cobra.Command {
	cmd := &cobra.Command{Use: "import FILE", Short: "Import contacts from a vCard (.vcf) or CSV file, all or none", Long: `Import contacts from a vCard (.vcf) or CSV file, all or none; those of the same address are replaced.

The columns of a CSV file are PrimarySmtpAddress, DisplayName and ExternalEmailAddress, in any order.`, Args: cobra.ExactArgs(1)}
	cmd.Flags().String("domain", "", "domain of ours in which contacts without an own address get one")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		g := &given{flags: cmd.Flags()}
		format := admin.ContactFile{VCard: strings.EqualFold(filepath.Ext(args[0]), ".vcf")}
		if d := g.domain("domain"); d != nil {
			format.Domain = *d
		}
		if g.err != nil {
			return g.err
		}
		f, err := os.Open(args[0])
		if err != nil {
			return fault.New(fault.Invalid, "%v", err)
		}
		defer f.Close()
		list, skipped, err := admin.ReadContacts(f, format)
		if err != nil {
			return fault.New(fault.Invalid, "%s: nothing was imported: %v", args[0], fault.As(err).Text())
		}
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			if err := a.ImportContacts(ctx, args[0], list); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %d contacts, %d without an e-mail address left out\n", args[0], len(list), skipped)
			return nil
		})
	}
	return cmd
}
