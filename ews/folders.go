package ews

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/orgrel"
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

// id is the folder's EwsId: the same for everybody, as it opens nothing.
func (f folder) id() string {
	return base64.StdEncoding.EncodeToString([]byte("availd-folder:" + f.name))
}

func folderByID(id string) (folder, bool) {
	i := slices.IndexFunc(folders, func(f folder) bool { return f.id() == id })
	if i < 0 {
		return folder{}, false
	}
	return folders[i], true
}

// getFolder answers m:GetFolder for the caller's own fixed folders.
func (h *Handler) getFolder(_ context.Context, env *soap.Envelope, who orgrel.Requester) ([]byte, error) {
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
		f, code := findFolder(e, who)
		if code != "" {
			dst = append(dst, `<GetFolderResponseMessage ResponseClass="Error"><MessageText>The folder could not be opened.</MessageText><ResponseCode>`+code+`</ResponseCode><DescriptiveLinkKey>0</DescriptiveLinkKey><Folders></Folders></GetFolderResponseMessage>`...)
			continue
		}
		dst = append(dst, `<GetFolderResponseMessage ResponseClass="Success"><ResponseCode>NoError</ResponseCode><Folders>`...)
		dst = append(appendFolder(dst, f, full), "</Folders></GetFolderResponseMessage>"...)
	}
	if n == 0 {
		return nil, soap.Schema(req, "The element 'FolderIds' is missing or empty.")
	}
	return append(dst, "</ResponseMessages></GetFolderResponse>"...), nil
}

// findFolder is the folder that e names, or the code of why there is none.
func findFolder(e xmlsec.Element, who orgrel.Requester) (f folder, code string) {
	if box := e.Child(nsTypes, "Mailbox").Child(nsTypes, "EmailAddress"); !box.IsZero() {
		if address, err := textOf(box); err != nil || !strings.EqualFold(address, who.Address.String()) {
			return f, "ErrorAccessDenied"
		}
	}
	id, _ := e.Attr("Id")
	switch e.Local() {
	case "DistinguishedFolderId":
		if i := slices.IndexFunc(folders, func(f folder) bool { return f.name == id }); i >= 0 {
			return folders[i], ""
		}
		return f, "ErrorFolderNotFound"
	case "FolderId":
		if f, ok := folderByID(id); ok {
			return f, ""
		}
	}
	return f, "ErrorInvalidIdMalformed"
}

func appendFolder(dst []byte, f folder, full bool) []byte {
	id := func(dst []byte, name string, f folder) []byte {
		return append(attr(attr(append(dst, "<t:"+name...), "Id", f.id()), "ChangeKey", folderChangeKey), "></t:"+name+">"...)
	}
	dst = id(append(dst, "<t:"+f.element+">"...), "FolderId", f)
	if full {
		if f.name != "root" {
			parent := folders[1]
			if f.name == "msgfolderroot" {
				parent = folders[0]
			}
			dst = id(dst, "ParentFolderId", parent)
		}
		if f.class != "" {
			dst = append(dst, "<t:FolderClass>"+f.class+"</t:FolderClass>"...)
		}
		dst = append(dst, "<t:DisplayName>"+f.display+"</t:DisplayName>"...)
		dst = appendInt(appendInt(dst, "TotalCount", 0), "ChildFolderCount", f.children)
	}
	return append(dst, "</t:"+f.element+">"...)
}

// convertID answers m:ConvertId: an id of ours in the form of an EwsId, with the caller's address, by which programs
// learn it; every other id is malformed.
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
		if _, ok := folderByID(id); !ok || format != "EwsId" {
			dst = append(dst, `<ConvertIdResponseMessage ResponseClass="Error"><MessageText>Id is malformed.</MessageText><ResponseCode>ErrorInvalidIdMalformed</ResponseCode><DescriptiveLinkKey>0</DescriptiveLinkKey></ConvertIdResponseMessage>`...)
			continue
		}
		dst = append(dst, `<ConvertIdResponseMessage ResponseClass="Success"><ResponseCode>NoError</ResponseCode><AlternateId xmlns:i="`+soap.NSXSI+`" i:type="t:AlternateIdType" Format="EwsId"`...)
		dst = append(attr(attr(dst, "Id", id), "Mailbox", who.Address.String()), "></AlternateId></ConvertIdResponseMessage>"...)
	}
	if n == 0 {
		return nil, soap.Schema(req, "The element 'SourceIds' is missing or empty.")
	}
	return append(dst, "</ResponseMessages></ConvertIdResponse>"...), nil
}
