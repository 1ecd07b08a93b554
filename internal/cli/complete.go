package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/availd/availd/internal/admin"
	"github.com/availd/availd/orgrel"
)

const maxCompletions = 200

// lister yields the names of one kind of object, for the completion of arguments. It ends early where yield says so.
type lister func(ctx context.Context, a *admin.Admin, yield func(name string) bool) error

func relationshipNames(ctx context.Context, a *admin.Admin, yield func(string) bool) error {
	list, err := a.Relationships(ctx)
	for _, r := range list {
		if !yield(r.Name) {
			break
		}
	}
	return err
}

func mailboxAddresses(ctx context.Context, a *admin.Admin, yield func(string) bool) error {
	for m, err := range a.Mailboxes(ctx) {
		if err != nil || !yield(m.Address.String()) {
			return err
		}
	}
	return nil
}

func groupAddresses(ctx context.Context, a *admin.Admin, yield func(string) bool) error {
	list, err := a.Groups(ctx)
	for _, g := range list {
		if !yield(g.Address.String()) {
			break
		}
	}
	return err
}

func contactAddresses(ctx context.Context, a *admin.Admin, yield func(string) bool) error {
	for c, err := range a.Contacts(ctx) {
		if err != nil || !yield(c.Address.String()) {
			return err
		}
	}
	return nil
}

// completeTree lets shells complete the arguments that name objects, and flags with few values.
func completeTree(root *cobra.Command) {
	for noun, names := range map[string]lister{"orgrel": relationshipNames, "mailbox": mailboxAddresses, "group": groupAddresses, "contact": contactAddresses} {
		if cmd, _, err := root.Find([]string{noun}); err == nil && cmd != root {
			completeArguments(cmd, names)
		}
	}
	if cmd, _, err := root.Find([]string{"test", "organization-relationship"}); err == nil && cmd.Name() == "organization-relationship" {
		completeArguments(cmd, relationshipNames)
	}
	_ = root.RegisterFlagCompletionFunc("output", fixed(formatTable, formatList, formatJSON))
}

// completeArguments gives names to all verbs of cmd whose first argument is something that is there.
func completeArguments(cmd *cobra.Command, names lister) {
	for _, c := range cmd.Commands() {
		completeArguments(c, names)
	}
	for flag, values := range map[string][]string{"free-busy-access-level": orgrel.AccessLevels(), "access-rights": {"None", "AvailabilityOnly", "LimitedDetails", "Reviewer", "Editor", "Owner"},
		"resource-type": {"Room", "Equipment", "Regular"}, "state": {"Disabled", "Enabled", "Scheduled"}, "external-audience": {"None", "Known", "All"}} {
		if cmd.Flags().Lookup(flag) != nil {
			_ = cmd.RegisterFlagCompletionFunc(flag, fixed(values...))
		}
	}
	use := strings.Fields(cmd.Use)
	if len(use) < 2 || use[1] == "FILE" || use[0] == "create" || use[0] == "add" {
		return
	}
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveDefault // files
		}
		if err := fromEnvironment(cmd.Flags()); err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		var out []string
		err := withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			return names(ctx, a, func(name string) bool {
				if len(name) >= len(begun) && strings.EqualFold(name[:len(begun)], begun) {
					out = append(out, name)
				}
				return len(out) < maxCompletions
			})
		})
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}
}

func fixed(values ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
}
