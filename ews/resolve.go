package ews

import (
	"context"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// Entry is one line of the address book: a mailbox, a contact who stands for a person at a partner, or a group.
type Entry struct {
	Name    string
	Address smtpaddr.Address
	Contact bool
	Group   bool
}

// Directory is the organization's address book.
type Directory interface {
	// Resolve finds the entries of an address, of the beginning of one, or of words that each begin a word of the name;
	// the case does not matter. At most limit are given; more says that there are others.
	Resolve(ctx context.Context, text string, limit int) (list []Entry, more bool, err error)
}

const (
	maxResolutions     = 100 // ArrayOfResolutionType
	maxUnresolvedEntry = 320 // characters
)

// resolveNames answers m:ResolveNames from the address book. Nobody has a contacts folder of their own here, so that a
// search in that alone finds nothing.
func (h *Handler) resolveNames(ctx context.Context, env *soap.Envelope, _ orgrel.Requester) ([]byte, error) {
	text, personal, err := readResolveNames(env.Payload)
	if err != nil {
		return nil, err
	}
	var list []Entry
	more := false
	if !personal {
		if list, more, err = h.o.Directory.Resolve(ctx, text, maxResolutions); err != nil {
			return nil, fault.Because(fault.Unavailable, err)
		}
	}
	dst := []byte(`<ResolveNamesResponse xmlns="` + nsMessages + `" xmlns:t="` + nsTypes + `"><ResponseMessages>`)
	const linkKey = "<DescriptiveLinkKey>0</DescriptiveLinkKey>"
	switch len(list) {
	case 0:
		dst = append(dst, `<ResolveNamesResponseMessage ResponseClass="Error"><MessageText>No results were found.</MessageText><ResponseCode>ErrorNameResolutionNoResults</ResponseCode>`+linkKey...)
	case 1:
		dst = append(dst, `<ResolveNamesResponseMessage ResponseClass="Success"><ResponseCode>NoError</ResponseCode>`...)
	default:
		dst = append(dst, `<ResolveNamesResponseMessage ResponseClass="Warning"><MessageText>Multiple results were found.</MessageText><ResponseCode>ErrorNameResolutionMultipleResults</ResponseCode>`+linkKey...)
	}
	if len(list) > 0 {
		dst = attr(append(dst, "<ResolutionSet"...), "TotalItemsInView", strconv.Itoa(len(list)))
		dst = append(attr(dst, "IncludesLastItemInRange", strconv.FormatBool(!more)), '>')
		for _, e := range list {
			dst = appendResolution(dst, e)
		}
		dst = append(dst, "</ResolutionSet>"...)
	}
	return append(dst, "</ResolveNamesResponseMessage></ResponseMessages></ResolveNamesResponse>"...), nil
}

func readResolveNames(req xmlsec.Element) (text string, personal bool, err error) {
	if err := order(req, nsMessages+" ParentFolderIds", nsMessages+" UnresolvedEntry"); err != nil {
		return "", false, err
	}
	entry := req.Child(nsMessages, "UnresolvedEntry")
	if text, err = textOf(entry); err != nil {
		return "", false, err
	}
	if text == "" || utf8.RuneCountInString(text) > maxUnresolvedEntry {
		return "", false, soap.Schema(req, "The element 'UnresolvedEntry' must hold 1 to "+strconv.Itoa(maxUnresolvedEntry)+" characters.")
	}
	scope, given := req.Attr("SearchScope")
	if given && !slices.Contains([]string{"ActiveDirectory", "ActiveDirectoryContacts", "Contacts", "ContactsActiveDirectory"}, scope) {
		return "", false, soap.Schema(req, "The attribute 'SearchScope' is invalid.")
	}
	if full, given := req.Attr("ReturnFullContactData"); !given || !slices.Contains([]string{"true", "false", "1", "0"}, full) {
		return "", false, soap.Schema(req, "The attribute 'ReturnFullContactData' is missing or no boolean.")
	}
	return text, scope == "Contacts", nil
}

func appendResolution(dst []byte, e Entry) []byte {
	kind := "Mailbox"
	switch {
	case e.Contact:
		kind = "Contact"
	case e.Group:
		kind = "PublicDL"
	}
	dst = append(dst, "<t:Resolution><t:Mailbox><t:Name>"...)
	dst = xmlsec.AppendText(dst, e.Name)
	dst = append(dst, "</t:Name><t:EmailAddress>"...)
	dst = xmlsec.AppendText(dst, e.Address.String())
	return append(dst, "</t:EmailAddress><t:RoutingType>SMTP</t:RoutingType><t:MailboxType>"+kind+"</t:MailboxType></t:Mailbox></t:Resolution>"...)
}
