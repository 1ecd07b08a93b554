package cli

import (
	"bytes"
	"context"
	"image/jpeg"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/availd/availd/internal/admin"
	"github.com/availd/availd/internal/fault"
)

func photoCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "photo", Short: "Photos of persons"}
	set := &cobra.Command{Use: "set ADDRESS", Short: "Keep a JPEG of at most 500 KB and 4096 x 4096 pixels as a mailbox's photo", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		path, _ := cmd.Flags().GetString("file")
		data, err := readBounded(path, admin.MaxPhoto)
		if err != nil {
			return err
		}
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error { return a.SetPhoto(ctx, args[0], path, data) })
	}}
	set.Flags().String("file", "", "the picture")
	_ = set.MarkFlagRequired("file")
	show := &cobra.Command{Use: "show ADDRESS", Short: "Say how large a mailbox's photo is, or write it to a file", Args: cobra.ExactArgs(1), RunE: showPhoto}
	show.Flags().String("file", "", "where to write the picture")
	remove := &cobra.Command{Use: "remove ADDRESS", Short: "Remove a mailbox's photo", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error { return a.RemovePhoto(ctx, args[0]) })
	}}
	cmd.AddCommand(set, show, remove)
	return cmd
}

// readBounded reads no more of a file than shows that it has more than limit bytes: a path may lead to a device.
func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.New(fault.Invalid, "%v", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fault.New(fault.Invalid, "%v", err)
	}
	return b, nil
}

func showPhoto(cmd *cobra.Command, args []string) error {
	path, _ := cmd.Flags().GetString("file")
	return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
		address, p, err := a.Photo(ctx, args[0])
		if err != nil {
			return err
		}
		if path != "" {
			if err := os.WriteFile(path, p.Data, 0o600); err != nil {
				return fault.New(fault.Invalid, "%v", err)
			}
		}
		c, err := jpeg.DecodeConfig(bytes.NewReader(p.Data))
		if err != nil {
			return err
		}
		return printOne(cmd, []property{{"Identity", address}, {"Bytes", len(p.Data)}, {"Width", c.Width}, {"Height", c.Height}, {"WhenChanged", p.WhenChanged}})
	})
}
