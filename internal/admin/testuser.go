package admin

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

// testUserPrefix begins the address of a test mailbox, as New-TestCasConnectivityUser.ps1 has it.
const testUserPrefix = "extest_"

// CreateTestUser makes a test mailbox in a domain of ours, the first federated one where d is zero, and returns its
// password, which is kept nowhere.
func (a *Admin) CreateTestUser(ctx context.Context, d smtpaddr.Domain) (m *mailbox.Mailbox, password string, err error) {
	cfg, err := a.config(ctx)
	if err != nil {
		return nil, "", err
	}
	if d.IsZero() {
		if len(cfg.Organization.Domains) == 0 {
			return nil, "", fault.New(fault.Invalid, "there is no federated domain for the test user; give --org DOMAIN")
		}
		d = cfg.Organization.Domains[0]
	}
	if !slices.Contains(cfg.Organization.Domains, d) {
		a.warn(d.String() + " is not a federated domain: the test user has no name that partners know")
	}
	var random [24]byte
	_, _ = rand.Read(random[:])
	address, err := smtpaddr.ParseAddress(testUserPrefix + hex.EncodeToString(random[:6]) + "@" + d.String())
	if err != nil {
		return nil, "", invalid(err)
	}
	password = base64.RawURLEncoding.EncodeToString(random[6:])
	name := "Test user"
	m, err = a.CreateMailbox(ctx, address, MailboxParams{DisplayName: &name, Password: &password})
	if err != nil {
		return nil, "", err
	}
	return m, password, nil
}

// TestUser is the first test mailbox in a federated domain.
func (a *Admin) TestUser(ctx context.Context) (smtpaddr.Address, error) {
	cfg, err := a.config(ctx)
	if err != nil {
		return smtpaddr.Address{}, err
	}
	for m, err := range a.Mailboxes(ctx) {
		if err != nil {
			return smtpaddr.Address{}, err
		}
		if strings.HasPrefix(m.Address.Local(), testUserPrefix) && slices.Contains(cfg.Organization.Domains, m.Address.Domain()) {
			return m.Address, nil
		}
	}
	return smtpaddr.Address{}, fault.New(fault.NotFound, "there is no test user; make one with availd test-user create, or name a user with --user")
}
