package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/availd/availd/internal/admin"
)

// explainCommand prints how availd decides what a requester may see of a mailbox.
func explainCommand() *cobra.Command {
	var as, target string
	cmd := &cobra.Command{Use: "explain", Short: "Say what somebody may see of a mailbox, and which step cuts", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		who, err := address(as)
		if err != nil {
			return err
		}
		box, err := address(target)
		if err != nil {
			return err
		}
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			findings, err := a.Explain(ctx, who, box)
			if err != nil {
				return err
			}
			p := newPrinter(cmd, 0)
			p.width = 0 // a finding is a sentence
			for _, f := range findings {
				p.add([]property{{"Step", f.Step}, {"Finding", f.Finding}})
			}
			return p.close()
		})
	}}
	cmd.Flags().StringVar(&as, "as", "", "who asks")
	cmd.Flags().StringVar(&target, "mailbox", "", "about whom")
	_ = cmd.MarkFlagRequired("as")
	_ = cmd.MarkFlagRequired("mailbox")
	return cmd
}
