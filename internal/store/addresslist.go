package store

import (
	"encoding/json"
	"slices"

	"github.com/availd/availd/directory"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

// AddressListRules counts the ways in which Listings have been made: a store whose list was made by older ones makes it
// anew when it migrates.
const AddressListRules = 1

// Listing is what a mailbox, contact or group is found by: Terms are the words of its name, and its addresses behind
// a colon. Without any it is hidden from address lists.
type Listing struct {
	Address smtpaddr.Address // the primary one, by which what was found is ordered
	Terms   []string
}

// addressTerm stands before an address; no word begins with it.
const addressTerm = ":"

func newListing(name string, addresses ...smtpaddr.Address) Listing {
	terms := directory.Words(plain(name))
	for _, a := range addresses {
		terms = append(terms, addressTerm+a.String())
	}
	slices.Sort(terms)
	return Listing{addresses[0], slices.Compact(terms)}
}

// ListMailbox is the listing of a mailbox.
func ListMailbox(m *mailbox.Mailbox) Listing {
	if m.HiddenFromAddressListsEnabled {
		return Listing{m.Address, []string{}}
	}
	return newListing(m.DisplayName, m.Addresses()...)
}

// ListContact is the listing of a contact, who is found by either address.
func ListContact(c *mailbox.Contact) Listing {
	return newListing(c.DisplayName, c.Address, c.Target)
}

// ListGroup is the listing of a group.
func ListGroup(g *mailbox.Group) Listing {
	if g.HiddenFromAddressListsEnabled {
		return Listing{g.Address, []string{}}
	}
	return newListing(g.DisplayName, g.Address)
}

// ListedTable is a table of recipients with the columns id and data.
type ListedTable struct {
	Name    string
	Listing func(data []byte) (Listing, error)
}

// ListedTables are all tables whose rows are in the address list.
func ListedTables() []ListedTable {
	return []ListedTable{{"mailbox", decoded(ListMailbox)}, {"contact", decoded(ListContact)}, {"mail_group", decoded(ListGroup)}}
}

func decoded[T any](list func(*T) Listing) func([]byte) (Listing, error) {
	return func(data []byte) (Listing, error) {
		var v T
		if err := json.Unmarshal(data, &v); err != nil {
			return Listing{}, err
		}
		return list(&v), nil
	}
}

// EndOfPrefix stands behind a prefix at the end of the range of all terms that begin with it.
const EndOfPrefix = "\U0010FFFF"

// CommonWord is how many have a word at which a search stops to count: of its words the rarest leads.
const CommonWord = 1000

// Search is a question to the address list: those who have for each of Words a term that begins with it, and those who
// have a term that begins with Address. No Words and an empty Address find nobody.
type Search struct {
	Words               []string
	Address, AddressEnd string // half-open
}

// NewSearch makes the question of words and the beginning of an address, as directory.Store has them.
func NewSearch(words []string, prefix string) Search {
	s := Search{Words: slices.DeleteFunc(slices.Concat([]string{}, words), func(w string) bool { return w == "" })}
	slices.Sort(s.Words)
	s.Words = slices.Compact(s.Words) // a word that is said again finds nobody else, and costs as much
	if prefix = plain(prefix); prefix != "" {
		s.Address, s.AddressEnd = addressTerm+prefix, addressTerm+prefix+EndOfPrefix
	}
	return s
}
