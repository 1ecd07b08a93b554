package server

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode"

	"github.com/availd/availd/ews"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

// addressBookPage and addressBookLimit: a search reads the mailboxes, then the contacts, by pages, and stops after so
// many of each; what lies behind is found by its address.
const (
	addressBookPage  = 1000
	addressBookLimit = 10_000
)

// addressBook is the mailboxes and contacts of the store as own users look for them. It implements ews.Directory.
type addressBook struct{ store store.Store }

// Resolve implements ews.Directory.
func (b addressBook) Resolve(ctx context.Context, text string, limit int) (list []ews.Entry, more bool, err error) {
	if a, err := smtpaddr.ParseProxyAddress(text); err == nil {
		e, found, err := b.exact(ctx, a)
		if found || err != nil {
			return []ews.Entry{e}, false, err
		}
	}
	text = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(text)), "smtp:")
	words := wordsOf(text)
	if len(words) == 0 {
		return nil, false, nil
	}
	for _, read := range []func(context.Context, smtpaddr.Address, func(ews.Entry, []smtpaddr.Address)) (int, smtpaddr.Address, error){b.mailboxes, b.contacts} {
		var after smtpaddr.Address
		for n := 0; ; n += addressBookPage {
			if n == addressBookLimit || len(list) > limit {
				more = true
				break
			}
			got, last, err := read(ctx, after, func(e ews.Entry, addresses []smtpaddr.Address) {
				if matches(e.Name, addresses, text, words) {
					list = append(list, e)
				}
			})
			if err != nil {
				return nil, false, err
			}
			if got < addressBookPage {
				break
			}
			after = last
		}
	}
	if len(list) > limit {
		list, more = list[:limit], true
	}
	return list, more, nil
}

func (b addressBook) exact(ctx context.Context, a smtpaddr.Address) (e ews.Entry, found bool, err error) {
	m, err := b.store.Mailbox(ctx, a)
	if err == nil {
		return mailboxEntry(m), true, nil
	}
	if !errors.Is(err, store.ErrNotFound) {
		return e, false, err
	}
	c, err := b.store.Contact(ctx, a)
	if errors.Is(err, store.ErrNotFound) {
		return e, false, nil
	}
	if err != nil {
		return e, false, err
	}
	return contactEntry(c), true, nil
}

func (b addressBook) mailboxes(ctx context.Context, after smtpaddr.Address, visit func(ews.Entry, []smtpaddr.Address)) (n int, last smtpaddr.Address, err error) {
	page, err := b.store.Mailboxes(ctx, after, addressBookPage)
	for _, m := range page {
		visit(mailboxEntry(m), m.Addresses())
		last = m.Address
	}
	return len(page), last, err
}

func (b addressBook) contacts(ctx context.Context, after smtpaddr.Address, visit func(ews.Entry, []smtpaddr.Address)) (n int, last smtpaddr.Address, err error) {
	page, err := b.store.Contacts(ctx, after, addressBookPage)
	for _, c := range page {
		visit(contactEntry(c), []smtpaddr.Address{c.Address, c.Target})
		last = c.Address
	}
	return len(page), last, err
}

func mailboxEntry(m *mailbox.Mailbox) ews.Entry {
	return ews.Entry{Name: nameOr(m.DisplayName, m.Address), Address: m.Address}
}

func contactEntry(c *mailbox.Contact) ews.Entry {
	return ews.Entry{Name: nameOr(c.DisplayName, c.Address), Address: c.Address, Contact: true}
}

func nameOr(name string, a smtpaddr.Address) string {
	if name == "" {
		return a.String()
	}
	return name
}

// matches tells whether an address begins with text, or each of its words begins a word of the name.
func matches(name string, addresses []smtpaddr.Address, text string, words []string) bool {
	for _, a := range addresses {
		if strings.HasPrefix(strings.ToLower(a.String()), text) {
			return true
		}
	}
	names := wordsOf(name)
	for _, w := range words {
		if !slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, w) }) {
			return false
		}
	}
	return true
}

// wordsOf are the words of a name in lower case: "Meyer, Tom-Eric" has three.
func wordsOf(name string) []string {
	return strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) })
}
