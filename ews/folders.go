package ews

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// folder is one of the folders that every mailbox shows. There is no store behind them: mail programs look at them when
// they log in, and then ask for free/busy.
type folder struct {
	name, display, element, class string
	children                      int
}

// folders are the distinguished folders that are served, by the schema's names; they are never changed.
var folders = []folder{
	{"root", "Root", "Folder", "", 1}, {"msgfolderroot", "Top of Information Store", "Folder", "IPF.Note", 8},
	{"inbox", "Inbox", "Folder", "IPF.Note", 0}, {"calendar", "Calendar", "CalendarFolder", "IPF.Appointment", 0}, {"contacts", "Contacts", "ContactsFolder", "IPF.Contact", 0},
	{"sentitems", "Sent Items", "Folder", "IPF.Note", 0}, {"drafts", "Drafts", "Folder", "IPF.Note", 0}, {"deleteditems", "Deleted Items", "Folder", "IPF.Note", 0},
	{"junkemail", "Junk Email", "Folder", "IPF.Note", 0}, {"outbox", "Outbox", "Folder", "IPF.Note", 0}, {"tasks", "Tasks", "TasksFolder", "IPF.Task", 0},
}

const folderChangeKey = "AQAAAA=="

// mailboxFolder is a folder of a mailbox.
type mailboxFolder struct {
	folder
	owner smtpaddr.Address // zero: the caller's own
}

const folderIDPrefix = "availd-folder:"

// id is the folder's EwsId. It opens nothing: that of an own folder is the same for everybody, and with one of a colleague
// the caller's right is looked up each time.
func (f mailboxFolder) id() string {
	text := folderIDPrefix + f.name
	if !f.owner.IsZero() {
		text += ":" + f.owner.String()
	}
	return base64.StdEncoding.EncodeToString([]byte(text))
}

func parseFolderID(id string) (f mailboxFolder, ok bool) {
	b, err := base64.StdEncoding.Strict().DecodeString(id)
	text, ours := strings.CutPrefix(string(b), folderIDPrefix)
	if err != nil || !ours {
		return f, false
	}
	name, owner, foreign := strings.Cut(text, ":")
	if f.folder, ok = folderNamed(name); !ok {
		return f, false
	}
	if foreign {
		f.owner, err = smtpaddr.ParseAddress(owner)
	}
	return f, err == nil
}

func folderNamed(name string) (folder, bool) {
	i := slices.IndexFunc(folders, func(f folder) bool { return f.name == name })
	if i < 0 {
		return folder{}, false
	}
	return folders[i], true
}

// getFolder answers m:GetFolder: the caller's own folders, and the way to a colleague's calendar.
func (h *Handler) getFolder(ctx context.Context, env *soap.Envelope, who orgrel.Requester) ([]byte, error) {
	req := env.Payload
	shape := req.Child(nsMessages, "FolderShape")
	base, err := textOf(shape.Child(nsTypes, "BaseShape"))
	if err != nil {
		return nil, err
	}
	full := base != "IdOnly" || !shape.Child(nsTypes, "AdditionalProperties").IsZero()
	dst := []byte(`<GetFolderResponse xmlns="` + nsMessages + `" xmlns:t="` + nsTypes + `"><ResponseMessages>`)
	n := 0
	for e := range req.Child(nsMessages, "FolderIds").Children() {
		if n++; n > 100 {
			return nil, soap.Schema(e, "There are too many folder ids.")
		}
		f, err := h.findFolder(ctx, e, who)
		if err != nil {
			dst = appendRowError(dst, "GetFolderResponseMessage", err, "<Folders></Folders>")
			continue
		}
		dst = append(appendStatus(dst, "GetFolderResponseMessage", nil), "<Folders>"...)
		dst = append(appendFolder(dst, f, full), "</Folders></GetFolderResponseMessage>"...)
	}
	if n == 0 {
		return nil, soap.Schema(req, "The element 'FolderIds' is missing or empty.")
	}
	return append(dst, "</ResponseMessages></GetFolderResponse>"...), nil
}

// findFolder is the folder that e names: one of the caller's own, or, where he may see the details of a colleague's
// calendar, that or a folder above it.
func (h *Handler) findFolder(ctx context.Context, e xmlsec.Element, who orgrel.Requester) (f mailboxFolder, err error) {
	id, _ := e.Attr("Id")
	var ok bool
	switch e.Local() {
	case "DistinguishedFolderId":
		if f.folder, ok = folderNamed(id); !ok {
			return f, errFolderNotFound
		}
		if f.owner, err = readMailboxOf(e); err != nil {
			return f, err
		}
	case "FolderId":
		if f, ok = parseFolderID(id); !ok {
			if _, item := parseItemID(id); item {
				return f, &rowError{"ErrorCannotUseItemIdForFolderId", "Id is that of an item."}
			}
			return f, errMalformedID
		}
	default:
		return f, errMalformedID
	}
	if f.owner.IsZero() || f.owner == who.Address {
		f.owner = smtpaddr.Address{}
		return f, nil
	}
	now := h.now()
	view, err := h.o.Calendar.CalendarView(ctx, who, f.owner, availability.Window{Start: now, End: now})
	switch f.owner = view.Mailbox; {
	case err != nil:
		return f, err
	case view.Own:
		f.owner = smtpaddr.Address{}
	case !slices.Contains([]string{"root", "msgfolderroot", "calendar"}, f.name):
		return f, fault.Because(fault.AccessDenied, fmt.Errorf("%s of a colleague", f.name))
	}
	return f, nil
}

// readMailboxOf reads whose folder a t:DistinguishedFolderId means; zero: the caller's.
func readMailboxOf(e xmlsec.Element) (a smtpaddr.Address, err error) {
	box := e.Child(nsTypes, "Mailbox").Child(nsTypes, "EmailAddress")
	if box.IsZero() {
		return a, nil
	}
	text, err := textOf(box)
	if err != nil {
		return a, err
	}
	if a, err = smtpaddr.ParseProxyAddress(text); err != nil {
		return a, &rowError{"ErrorInvalidSmtpAddress", "The SMTP address format is invalid."}
	}
	return a, nil
}

func appendFolderID(dst []byte, name string, f mailboxFolder) []byte {
	return append(attr(attr(append(dst, "<t:"+name...), "Id", f.id()), "ChangeKey", folderChangeKey), "></t:"+name+">"...)
}

func appendFolder(dst []byte, f mailboxFolder, full bool) []byte {
	dst = appendFolderID(append(dst, "<t:"+f.element+">"...), "FolderId", f)
	if full {
		if f.name != "root" {
			parent := folders[1]
			if f.name == "msgfolderroot" {
				parent = folders[0]
			}
			dst = appendFolderID(dst, "ParentFolderId", mailboxFolder{parent, f.owner})
		}
		if f.class != "" {
			dst = append(dst, "<t:FolderClass>"+f.class+"</t:FolderClass>"...)
		}
		dst = append(dst, "<t:DisplayName>"+f.display+"</t:DisplayName>"...)
		dst = appendInt(appendInt(dst, "TotalCount", 0), "ChildFolderCount", f.children)
	}
	return append(dst, "</t:"+f.element+">"...)
}

// convertID answers m:ConvertId: an id of ours in the form of an EwsId, with the address of the mailbox that it is in, by
// which programs learn the caller's; every other id is malformed.
func (h *Handler) convertID(_ context.Context, env *soap.Envelope, who orgrel.Requester) ([]byte, error) {
	req := env.Payload
	format, _ := req.Attr("DestinationFormat")
	dst := []byte(`<ConvertIdResponse xmlns="` + nsMessages + `" xmlns:t="` + nsTypes + `"><ResponseMessages>`)
	n := 0
	for e := range req.Child(nsMessages, "SourceIds").Children() {
		if n++; n > 100 {
			return nil, soap.Schema(e, "There are too many ids.")
		}
		id, _ := e.Attr("Id")
		in, ok := mailboxOfID(id, who)
		if !ok || format != "EwsId" {
			dst = appendRowError(dst, "ConvertIdResponseMessage", errMalformedID, "")
			continue
		}
		dst = append(appendStatus(dst, "ConvertIdResponseMessage", nil), `<AlternateId xmlns:i="`+soap.NSXSI+`" i:type="t:AlternateIdType" Format="EwsId"`...)
		dst = append(attr(attr(dst, "Id", id), "Mailbox", in.String()), "></AlternateId></ConvertIdResponseMessage>"...)
	}
	if n == 0 {
		return nil, soap.Schema(req, "The element 'SourceIds' is missing or empty.")
	}
	return append(dst, "</ResponseMessages></ConvertIdResponse>"...), nil
}

// mailboxOfID is the mailbox that a folder or an item with this id is in.
func mailboxOfID(id string, who orgrel.Requester) (in smtpaddr.Address, ok bool) {
	if f, ok := parseFolderID(id); ok {
		if f.owner.IsZero() {
			return who.Address, true
		}
		return f.owner, true
	}
	i, ok := parseItemID(id)
	return i.owner, ok
}
