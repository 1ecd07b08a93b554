package ews

import (
	"context"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/availd/availd/directory"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/orgrel"
)

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
	var list []directory.Entry
	more := false
	if personal {
		err = fault.Because(fault.NameResolutionNoResults, nil)
	} else {
		list, more, err = h.o.Directory.Resolve(ctx, text, maxResolutions)
	}
	failed, err := inAnswer(ctx, err)
	if err != nil {
		return nil, err
	}
	const element = "ResolveNamesResponseMessage"
	dst := []byte(`<ResolveNamesResponse xmlns="` + nsMessages + `" xmlns:t="` + nsTypes + `"><ResponseMessages>`)
	if len(list) > 1 {
		dst = appendFailure(dst, element, "Warning", fault.Because(fault.NameResolutionMultipleResults, nil))
	} else {
		dst = appendStatus(dst, element, failed)
	}
	if failed == nil {
		dst = append(appendRange(append(dst, "<ResolutionSet"...), len(list), more), '>')
		for _, e := range list {
			dst = append(appendEntry(append(dst, "<t:Resolution>"...), "Mailbox", e), "</t:Resolution>"...)
		}
		dst = append(dst, "</ResolutionSet>"...)
	}
	return append(dst, "</"+element+"></ResponseMessages></ResolveNamesResponse>"...), nil
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
