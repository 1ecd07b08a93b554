package server

import (
	"context"
	"strings"

	book "github.com/availd/availd/directory"
	"github.com/availd/availd/ews"
	"github.com/availd/availd/smtpaddr"
)

// addressBook is the store's recipients as own users look for them. It implements ews.Directory.
type addressBook struct{ store book.Store }

// Resolve implements ews.Directory. What is hidden from address lists is found by its whole address only.
func (b addressBook) Resolve(ctx context.Context, text string, limit int) (entries []ews.Entry, more bool, err error) {
	if a, err := smtpaddr.ParseProxyAddress(text); err == nil {
		exact, err := b.store.Recipients(ctx, []smtpaddr.Address{a}, smtpaddr.Address{})
		if err != nil {
			return nil, false, err
		}
		if exact[0].Found() {
			return []ews.Entry{entry(exact[0])}, false, nil
		}
	}
	text = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(text)), "smtp:")
	found, err := b.store.FindRecipients(ctx, book.Words(text), text, limit+1)
	if err != nil {
		return nil, false, err
	}
	if more = len(found) > limit; more {
		found = found[:limit]
	}
	for _, r := range found {
		entries = append(entries, entry(r))
	}
	return entries, more, nil
}

func entry(r book.Recipient) ews.Entry {
	switch {
	case r.Mailbox != nil:
		return ews.Entry{Name: nameOr(r.Mailbox.DisplayName, r.Mailbox.Address), Address: r.Mailbox.Address}
	case r.Contact != nil:
		return ews.Entry{Name: nameOr(r.Contact.DisplayName, r.Contact.Address), Address: r.Contact.Address, Contact: true}
	}
	return ews.Entry{Name: nameOr(r.Group.DisplayName, r.Group.Address), Address: r.Group.Address, Group: true}
}

func nameOr(name string, a smtpaddr.Address) string {
	if name == "" {
		return a.String()
	}
	return name
}
