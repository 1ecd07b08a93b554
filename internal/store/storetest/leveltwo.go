package storetest

import (
	"testing"

	"github.com/availd/availd/directory"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/mailbox"
)

// LevelTwo are the statements that fill a database of schema level 2, which knew no address list: 10,000 mailboxes, a
// contact, a group with a member, and a group under the address of a mailbox.
func LevelTwo() []string {
	return []string{
		`INSERT INTO mailbox (id, address, data, password_hash, zone, calendar_version, expanded_from, expanded_until, tzdata)
			WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
			SELECT i, 'u' || i || '@contoso.example', '{"PrimarySmtpAddress":"u' || i || '@contoso.example","EmailAddresses":[],"DisplayName":"Sam Same"}', '', 'UTC', 1, 0, 0, '' FROM n`,
		`UPDATE mailbox SET address = 'zoe@contoso.example', data = '{"PrimarySmtpAddress":"zoe@contoso.example","EmailAddresses":["z@contoso.example"],"DisplayName":"Zoë Same"}' WHERE id = 7777`,
		`INSERT INTO proxy_address (address, mailbox_id) SELECT address, id FROM mailbox`,
		`INSERT INTO proxy_address (address, mailbox_id) VALUES ('z@contoso.example', 7777), ('rita@contoso.example', 20000)`,
		`INSERT INTO contact (id, address, data) VALUES (20000, 'rita@contoso.example', '{"PrimarySmtpAddress":"rita@contoso.example","ExternalEmailAddress":"r.meter@fabrikam.example","DisplayName":"Rita Meter"}')`,
		`INSERT INTO mail_group (address, data) VALUES ('all@contoso.example', '{"PrimarySmtpAddress":"all@contoso.example","DisplayName":"Everybody","Members":["z@contoso.example"]}'),
			('u1@contoso.example', '{"PrimarySmtpAddress":"u1@contoso.example","DisplayName":"Namesake","Members":[]}')`,
		`INSERT INTO group_member (group_address, member) VALUES ('all@contoso.example', 'z@contoso.example')`,
	}
}

// HoldsLevelTwo tells whether all that LevelTwo put is in the address book.
func HoldsLevelTwo(t *testing.T, s store.Store) {
	t.Helper()
	FindsOneOfMany(t, s)
	finds(t, s, map[string]string{"meter": "contact rita", "r.met": "contact rita", "every": "group all"})
	list := recipients(t, s, "all@contoso.example", "zoe@contoso.example", "all@contoso.example", "rita@contoso.example", "u1@contoso.example")
	if got := areAll(list); got != "mailbox zoe, group all, contact rita, mailbox u1" || !list[0].InScope || list[2].InScope {
		t.Error(got)
	}
	if list, err := s.FindRecipients(t.Context(), []string{"same"}, "", 20_000); err != nil || len(list) != 10_000 {
		t.Error(len(list), err)
	}
	for _, a := range []string{"all@contoso.example", "u1@contoso.example"} { // the one whose address is not its own, too
		if err := s.DeleteGroup(t.Context(), address(a)); err != nil {
			t.Error(err)
		}
	}
	storeGroup(t, s, &mailbox.Group{Address: address("all@contoso.example"), DisplayName: "All again"})
	finds(t, s, map[string]string{"every": "", "again": "group all", "u1@": "mailbox u1"})
}

// FindsOneOfMany tells whether one of LevelTwo's mailboxes is found, which may be the only one whose row can be read.
func FindsOneOfMany(t *testing.T, s store.Store) {
	t.Helper()
	for _, words := range []string{"zoë", "same zoë"} {
		if list, err := s.FindRecipients(t.Context(), directory.Words(words), "", 100); err != nil || areAll(list) != "mailbox zoe" {
			t.Error(areAll(list), err)
		}
	}
	finds(t, s, map[string]string{"z@c": "mailbox zoe", "zo": "mailbox zoe"})
}
