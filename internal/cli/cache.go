package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/server"
)

func cacheCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "cache", Short: "What a running node remembers of the gateway and of partners"}
	list := &cobra.Command{Use: "list", Short: "List tokens and Autodiscover answers, without their contents", Args: cobra.NoArgs, RunE: listCaches}
	flush := &cobra.Command{Use: "flush", Short: "Make the node forget, and read its configuration anew", Long: `Make the node forget what it remembers, and read its configuration anew.

Changes by availd's own verbs need no flush: every node follows them within a second. After a change in the database
by hand, flush each node.`, Args: cobra.NoArgs, RunE: flushCaches}
	for _, c := range []*cobra.Command{list, flush} {
		f := c.Flags()
		f.Bool("tokens", false, "delegation tokens only")
		f.Bool("autodiscover", false, "Autodiscover answers only")
		f.Bool("all", false, "everything, as when nothing is said")
		f.String("domain", "", "only what is about this domain")
		f.String("admin-listen", adminListen, "admin listener of the node")
		c.MarkFlagsMutuallyExclusive("tokens", "all")
		c.MarkFlagsMutuallyExclusive("autodiscover", "all")
	}
	cmd.AddCommand(list, flush)
	return cmd
}

// cachesMeant is what the flags select.
func cachesMeant(cmd *cobra.Command) (sel server.CacheSelection, err error) {
	if tokens, _ := cmd.Flags().GetBool("tokens"); tokens {
		sel.Caches = append(sel.Caches, "tokens")
	}
	if found, _ := cmd.Flags().GetBool("autodiscover"); found {
		sel.Caches = append(sel.Caches, "autodiscover", "autodiscover-negative")
	}
	g := &given{flags: cmd.Flags()}
	if d := g.domain("domain"); d != nil {
		sel.Domain = *d
	}
	return sel, g.err
}

func listCaches(cmd *cobra.Command, _ []string) error {
	sel, err := cachesMeant(cmd)
	if err != nil {
		return err
	}
	query := url.Values{"cache": sel.Caches}
	if !sel.Domain.IsZero() {
		query.Set("domain", sel.Domain.String())
	}
	var entries []server.CacheEntry
	if err := askNode(cmd, http.MethodGet, server.PathCaches+"?"+query.Encode(), nil, &entries); err != nil {
		return err
	}
	p := newPrinter(cmd, 0)
	for _, e := range entries {
		age := time.Duration(e.Age * float64(time.Second)).Round(time.Second)
		p.add([]property{{"Cache", e.Cache}, {"Key", e.Key}, {"Age", age.String()}, {"Expires", e.Expires}})
	}
	return p.close()
}

func flushCaches(cmd *cobra.Command, _ []string) error {
	sel, err := cachesMeant(cmd)
	if err != nil {
		return err
	}
	var done server.FlushAnswer
	if err := askNode(cmd, http.MethodPost, server.PathFlush, sel, &done); err != nil {
		return err
	}
	return printOne(cmd, []property{{"Flushed", done.Flushed}, {"ConfigVersion", done.ConfigVersion}})
}

// askNode asks the running node at --admin-listen; body and answer are JSON.
func askNode(cmd *cobra.Command, method, path string, body, answer any) error {
	address, _ := cmd.Flags().GetString("admin-listen")
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+address+path, bytes.NewReader(b))
	if err != nil {
		return fault.New(fault.Invalid, "--admin-listen %q is no address", address)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fault.New(fault.Unavailable, "no node answers at %s", address)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	switch {
	case err != nil:
		return err
	case resp.StatusCode != http.StatusOK:
		return fault.New(fault.Unavailable, "the node at %s: %s", address, strings.TrimSpace(string(text)))
	}
	return json.Unmarshal(text, answer)
}
