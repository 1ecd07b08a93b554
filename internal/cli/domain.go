package cli

import (
	"context"
	"net"
	"strings"

	"github.com/spf13/cobra"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/admin"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/smtpaddr"
)

func acceptedDomainCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "accepted-domain", Short: "The domains that are ours"}
	var name string
	add := &cobra.Command{Use: "add DOMAIN", Short: "Make a domain one of ours", Args: cobra.ExactArgs(1), RunE: withDomain(func(ctx context.Context, a *admin.Admin, d smtpaddr.Domain) error {
		return a.AddAcceptedDomain(ctx, d, name)
	})}
	add.Flags().StringVar(&name, "name", "", "what to call it (default: the domain)")
	list := &cobra.Command{Use: "list", Short: "List the accepted domains", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			domains, err := a.AcceptedDomains(ctx)
			if err != nil {
				return err
			}
			p := newPrinter(cmd, 0)
			for _, d := range domains {
				p.add([]property{{"Name", d.Name}, {"DomainName", d.DomainName}, {"DomainType", "Authoritative"}, {"Federated", d.Federated}})
			}
			return p.close()
		})
	}}
	remove := &cobra.Command{Use: "remove DOMAIN|NAME", Short: "A domain is ours no more", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error { return a.RemoveAcceptedDomain(ctx, args[0]) })
	}}
	cmd.AddCommand(add, list, remove)
	return cmd
}

// withDomain makes the function of a command whose one argument is a domain.
func withDomain(f func(ctx context.Context, a *admin.Admin, d smtpaddr.Domain) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		d, err := smtpaddr.ParseDomainIDN(args[0])
		if err != nil {
			return fault.New(fault.Invalid, "%v", err)
		}
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error { return f(ctx, a, d) })
	}
}

// resolverFlag lets a verb that looks for domain proofs be told whom to ask.
func resolverFlag(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().StringArray("resolver", nil, "DNS server to ask for domain proofs, host or host:port (repeatable; default: the domain's own name servers)")
	return cmd
}

// nameServers are the resolvers that were named, or the domain's own name servers.
func nameServers(cmd *cobra.Command) func(context.Context, smtpaddr.Domain) ([]federation.NameServer, error) {
	return func(ctx context.Context, d smtpaddr.Domain) ([]federation.NameServer, error) {
		resolvers, _ := cmd.Flags().GetStringArray("resolver")
		if len(resolvers) == 0 {
			return federation.NameServers(ctx, net.DefaultResolver, d)
		}
		var out []federation.NameServer
		for _, list := range resolvers {
			for r := range strings.SplitSeq(list, ",") {
				if _, _, err := net.SplitHostPort(r); err != nil {
					r = net.JoinHostPort(strings.Trim(r, "[]"), "53")
				}
				out = append(out, federation.NameServer{Name: r, Resolver: federation.NewResolver(r)})
			}
		}
		return out, nil
	}
}

func domainCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "domain", Short: "Federated domains and their proofs"}
	add := resolverFlag(&cobra.Command{Use: "add DOMAIN", Short: "Federate an accepted domain, once its proof is in DNS", Args: cobra.ExactArgs(1), RunE: withDomain(func(ctx context.Context, a *admin.Admin, d smtpaddr.Domain) error {
		return a.AddFederatedDomain(ctx, d)
	})})
	var force bool
	remove := &cobra.Command{Use: "remove DOMAIN", Short: "End that a domain is federated; that of the account namespace goes last", Args: cobra.ExactArgs(1), RunE: withDomain(func(ctx context.Context, a *admin.Admin, d smtpaddr.Domain) error {
		return a.RemoveFederatedDomain(ctx, d, force)
	})}
	remove.Flags().BoolVar(&force, "force", false, "go on although the gateway does not release it")
	list := &cobra.Command{Use: "list", Short: "List the federated domains", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			o, err := a.Organization(ctx)
			if err != nil {
				return err
			}
			p := newPrinter(cmd, 0)
			for _, d := range o.ToProve() {
				p.add([]property{{"DomainName", d}, {"AccountNamespace", d == o.NamespaceProof()}, {"DefaultDomain", d == o.DefaultDomain}})
			}
			return p.close()
		})
	}}
	cmd.AddCommand(add, remove, list, domainProof(), domainVerify())
	return cmd
}

func domainProof() *cobra.Command {
	var thumbprint string
	cmd := &cobra.Command{Use: "proof DOMAIN", Short: "Show the TXT record that proves a domain, for each certificate of the trust", Args: cobra.ExactArgs(1)}
	cmd.RunE = withDomain(func(ctx context.Context, a *admin.Admin, d smtpaddr.Domain) error {
		proofs, err := a.DomainProofs(ctx, d, thumbprint)
		if err != nil {
			return err
		}
		p := newPrinter(cmd, 0)
		if p.format == formatTable { // a record that is cut is of no use
			p.format = formatList
		}
		for _, x := range proofs {
			p.add([]property{{"DomainName", x.DomainName}, {"Name", x.Name}, {"Thumbprint", x.Thumbprint}, {"Proof", x.Proof}, {"DnsRecord", x.DnsRecord}})
		}
		return p.close()
	})
	cmd.Flags().StringVar(&thumbprint, "thumbprint", "", "only for this certificate of availd cert list")
	return cmd
}

func domainVerify() *cobra.Command {
	cmd := resolverFlag(&cobra.Command{Use: "verify DOMAIN", Short: "Ask each name server of a domain for its proof", Args: cobra.ExactArgs(1)})
	cmd.RunE = withDomain(func(ctx context.Context, a *admin.Admin, d smtpaddr.Domain) error {
		state, answers, err := a.VerifyDomain(ctx, d)
		if err != nil {
			return err
		}
		p := newPrinter(cmd, 0)
		for _, s := range answers {
			p.add([]property{{"DomainName", s.DomainName}, {"NameServer", s.NameServer}, {"State", s.State}, {"Detail", s.Detail}})
		}
		if err := p.close(); err != nil || state == admin.ProofFound {
			return err
		}
		return fault.New(fault.Internal, "%s", federation.TextProofFailed)
	})
	return cmd
}
