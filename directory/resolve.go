package directory

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/smtpaddr"
)

// MailboxType is MailboxTypeType of the EWS schema: what an entry of the address book is.
type MailboxType string

// The types that our own entries have; other organizations' address books have further ones.
const (
	TypeMailbox  MailboxType = "Mailbox"
	TypePublicDL MailboxType = "PublicDL" // a group
	TypeContact  MailboxType = "Contact"  // a person outside
)

// Entry is one line of the address book.
type Entry struct {
	Name    string           // never empty: the address where there is no other
	Address smtpaddr.Address // the primary one
	Type    MailboxType
}

// entry is the line of r; asked is the address by which r was found, which stands for an outside person where r is nobody's.
func (r Recipient) entry(asked smtpaddr.Address) Entry {
	e := Entry{Address: asked, Type: TypeContact}
	switch {
	case r.Mailbox != nil:
		e = Entry{r.Mailbox.DisplayName, r.Mailbox.Address, TypeMailbox}
	case r.Group != nil:
		e = Entry{r.Group.DisplayName, r.Group.Address, TypePublicDL}
	case r.Contact != nil:
		e = Entry{r.Contact.DisplayName, r.Contact.Address, TypeContact}
	}
	if e.Name == "" {
		e.Name = e.Address.String()
	}
	return e
}

// Resolve finds the entries of an address, of the beginning of one, or of words that each begin a word of the name
// (ResolveNames); the case does not matter. What is hidden from address lists is found by its whole address only. At most
// limit are given; more says that there are others. Errors: NameResolutionNoResults, and InvalidNameForNameResolution
// where text has neither letter nor digit.
func (s *Service) Resolve(ctx context.Context, text string, limit int) (list []Entry, more bool, err error) {
	if a, err := smtpaddr.ParseProxyAddress(text); err == nil {
		r, err := s.recipient(ctx, a)
		if err != nil {
			return nil, false, err
		}
		if r.Found() {
			return []Entry{r.entry(a)}, false, nil
		}
	}
	if len(wanted(text)) == 0 {
		return nil, false, fault.Because(fault.InvalidNameForNameResolution, nil)
	}
	found, err := s.find(ctx, text, limit+1)
	if err != nil {
		return nil, false, err
	}
	if len(found) == 0 {
		return nil, false, fault.Because(fault.NameResolutionNoResults, nil)
	}
	if len(found) > limit {
		found, more = found[:limit], true
	}
	for _, r := range found {
		list = append(list, r.entry(smtpaddr.Address{}))
	}
	return list, more, nil
}

// maxSought is how many characters the name of anybody has at most who is looked for: each word more makes a search longer.
const maxSought = 320

// find searches by name and by the beginning of an address; what has no letter and no digit, or is too long, finds nobody.
func (s *Service) find(ctx context.Context, text string, limit int) ([]Recipient, error) {
	if utf8.RuneCountInString(text) > maxSought {
		return nil, nil
	}
	words := wanted(text)
	if len(words) == 0 {
		return nil, nil
	}
	found, err := s.Store.FindRecipients(ctx, words, plain(text), limit)
	return found, unavailable(err)
}

// plain is text as FindRecipients takes it for the beginning of an address.
func plain(text string) string {
	return strings.TrimPrefix(strings.ToLower(strings.TrimSpace(text)), "smtp:")
}

func wanted(text string) []string { return Words(plain(text)) }

// recipient is what a stands for.
func (s *Service) recipient(ctx context.Context, a smtpaddr.Address) (Recipient, error) {
	found, err := s.Store.Recipients(ctx, []smtpaddr.Address{a}, smtpaddr.Address{})
	if err != nil {
		return Recipient{}, unavailable(err)
	}
	return found[0], nil
}

// unavailable is the failure of the store as who asks may know it; nil stays nil.
func unavailable(err error) error {
	if err == nil {
		return nil
	}
	return fault.Because(fault.Unavailable, err)
}
