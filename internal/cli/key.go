package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/availd/availd/internal/admin"
	"github.com/availd/availd/internal/store"
)

func keyCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "key", Short: "The master key, which seals the organization's private keys in the store"}
	var out string
	create := &cobra.Command{Use: "create", Short: "Make a new master key file; an existing file is never overwritten", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		return store.CreateMasterKey(out)
	}}
	create.Flags().StringVar(&out, "out", "", "file to make (mode 0600)")
	_ = create.MarkFlagRequired("out")
	var newKey string
	reseal := &cobra.Command{Use: "reseal", Short: "Seal the organization's keys with another master key", Long: `Seal the organization's keys with another master key.

The keys are opened with the present master key and written again under the new one. Stop the nodes before, and start
them with the new key after. Without --master-key-file, the SQLite database's own key file (its path with .key) is then
replaced by the new one.`, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return resealKeys(cmd, newKey) }}
	reseal.Flags().StringVar(&newKey, "new-master-key-file", "", "file of the new key, as availd key create makes it")
	_ = reseal.MarkFlagRequired("new-master-key-file")
	cmd.AddCommand(create, reseal)
	return cmd
}

func resealKeys(cmd *cobra.Command, newKey string) error {
	err := withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
		to, err := openStore(cmd, newKey)
		if err != nil {
			return err
		}
		defer to.Close()
		return a.Reseal(ctx, to)
	})
	if err != nil || masterKeyFile(cmd) != "" {
		return err
	}
	database, _ := cmd.Flags().GetString("database")
	path := strings.TrimPrefix(database, "sqlite:") + ".key"
	if err := store.ReplaceMasterKey(path, newKey); err != nil {
		return fmt.Errorf("the keys are sealed with %s now, but %s could not be replaced by it: %w", newKey, path, err)
	}
	return nil
}
