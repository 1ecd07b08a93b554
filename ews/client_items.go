package ews

import (
	"context"
	"strconv"
	"time"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/timezone"
	"github.com/availd/availd/smtpaddr"
)

// FolderID names a folder: by its well-known name, or by the id that GetFolder gave.
type FolderID struct {
	Distinguished string           // "calendar", "inbox" …; "" where ID is set
	Mailbox       smtpaddr.Address // whose, with Distinguished; zero: the caller's
	ID            string
}

// Folder is what GetFolder tells of a folder.
type Folder struct {
	ID, ParentID   string
	Class          string // IPF.Appointment for a calendar
	DisplayName    string
	Items, Folders int   // in it
	Err            error // an [*Error]: why the rest is empty
}

// CalendarItem is one occurrence of a calendar. Of private ones of others Subject, Location and UID are empty.
type CalendarItem struct {
	mailbox.Occurrence
	ID, ChangeKey string
	Body          string // plain text; by GetItem only
	Err           error  // an [*Error]: why the rest is empty; by GetItem only
}

// GetFolder asks for folders; the answers have the ids' positions.
func (c *Client) GetFolder(ctx context.Context, ids ...FolderID) ([]Folder, error) {
	b := append(openRequest("GetFolder", ""), `<m:FolderShape><t:BaseShape>Default</t:BaseShape><t:AdditionalProperties>`+
		`<t:FieldURI FieldURI="folder:ParentFolderId"></t:FieldURI><t:FieldURI FieldURI="folder:FolderClass"></t:FieldURI></t:AdditionalProperties></m:FolderShape><m:FolderIds>`...)
	for _, id := range ids {
		b = id.append(b)
	}
	rows, err := c.rows(ctx, "GetFolder", append(b, "</m:FolderIds></m:GetFolder>"...), len(ids))
	if err != nil {
		return nil, err
	}
	return each(rows, func(err *Error) Folder { return Folder{Err: err} }, func(r xmlsec.Element) (Folder, error) {
		return readFolder(r.Child(nsMessages, "Folders"))
	})
}

func (id FolderID) append(dst []byte) []byte {
	if id.ID != "" {
		return append(attr(append(dst, "<t:FolderId"...), "Id", id.ID), "></t:FolderId>"...)
	}
	dst = append(attr(append(dst, "<t:DistinguishedFolderId"...), "Id", id.Distinguished), '>')
	if !id.Mailbox.IsZero() {
		dst = append(dst, "<t:Mailbox><t:EmailAddress>"...)
		dst = append(xmlsec.AppendText(dst, id.Mailbox.String()), "</t:EmailAddress></t:Mailbox>"...)
	}
	return append(dst, "</t:DistinguishedFolderId>"...)
}

func readFolder(list xmlsec.Element) (f Folder, err error) {
	for e := range list.Children() {
		f.ID, _ = e.Child(nsTypes, "FolderId").Attr("Id")
		f.ParentID, _ = e.Child(nsTypes, "ParentFolderId").Attr("Id")
		f.Class, _ = textOf(e.Child(nsTypes, "FolderClass"))
		f.DisplayName, _ = textOf(e.Child(nsTypes, "DisplayName"))
		for name, into := range map[string]*int{"TotalCount": &f.Items, "ChildFolderCount": &f.Folders} {
			if n := e.Child(nsTypes, name); !n.IsZero() {
				if *into, err = readInt(n); err != nil {
					return f, err
				}
			}
		}
	}
	if f.ID == "" {
		return f, lie("a folder without an id")
	}
	return f, nil
}

// ConvertID asks in which mailbox the folder or item of an id is (ConvertId).
func (c *Client) ConvertID(ctx context.Context, id string) (smtpaddr.Address, error) {
	b := attr(append(openRequest("ConvertId", ` DestinationFormat="EwsId"`), `<m:SourceIds><t:AlternateId Format="EwsId"`...), "Id", id)
	b = append(b, ` Mailbox="unknown@unknown.invalid"></t:AlternateId></m:SourceIds></m:ConvertId>`...)
	rows, err := c.rows(ctx, "ConvertId", b, 1)
	if err != nil {
		return smtpaddr.Address{}, err
	}
	if err := succeeded(rows[0]); err != nil {
		return smtpaddr.Address{}, err
	}
	in, _ := rows[0].Child(nsMessages, "AlternateId").Attr("Mailbox")
	return smtpaddr.ParseAddress(in)
}

// FindItem searches a calendar for what overlaps the window, by start: at most two years. more tells that there are
// entries beyond limit; 0 leaves the limit to the endpoint, which then fails where it is passed.
func (c *Client) FindItem(ctx context.Context, folder FolderID, window availability.Window, limit int) (items []CalendarItem, more bool, err error) {
	b := append(openRequest("FindItem", ` Traversal="Shallow"`), `<m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape><m:CalendarView`...)
	if limit > 0 {
		b = attr(b, "MaxEntriesReturned", strconv.Itoa(limit))
	}
	b = attr(attr(b, "StartDate", window.Start.UTC().Format(time.RFC3339)), "EndDate", window.End.UTC().Format(time.RFC3339))
	b = folder.append(append(b, "></m:CalendarView><m:ParentFolderIds>"...))
	rows, err := c.rows(ctx, "FindItem", append(b, "</m:ParentFolderIds></m:FindItem>"...), 1)
	if err != nil {
		return nil, false, err
	}
	if err := succeeded(rows[0]); err != nil {
		return nil, false, err
	}
	root := rows[0].Child(nsMessages, "RootFolder")
	for e := range root.Child(nsTypes, "Items").Children() {
		item, err := readCalendarItem(e)
		if err != nil {
			return nil, false, err
		}
		items = append(items, item)
	}
	last, _ := root.Attr("IncludesLastItemInRange")
	return items, last != "true" && last != "1", nil
}

// GetItem asks for items by the ids that FindItem gave; the answers have the ids' positions.
func (c *Client) GetItem(ctx context.Context, ids ...string) ([]CalendarItem, error) {
	b := append(openRequest("GetItem", ""), `<m:ItemShape><t:BaseShape>AllProperties</t:BaseShape><t:BodyType>Text</t:BodyType></m:ItemShape><m:ItemIds>`...)
	for _, id := range ids {
		b = append(attr(append(b, "<t:ItemId"...), "Id", id), "></t:ItemId>"...)
	}
	rows, err := c.rows(ctx, "GetItem", append(b, "</m:ItemIds></m:GetItem>"...), len(ids))
	if err != nil {
		return nil, err
	}
	return each(rows, func(err *Error) CalendarItem { return CalendarItem{Err: err} }, func(r xmlsec.Element) (CalendarItem, error) {
		e, err := r.Child(nsMessages, "Items").Only(nsTypes, "CalendarItem")
		if err != nil {
			return CalendarItem{}, lie("%v", err)
		}
		return readCalendarItem(e)
	})
}

func readCalendarItem(e xmlsec.Element) (i CalendarItem, err error) {
	if !e.Is(nsTypes, "CalendarItem") {
		return i, lie("an item is a %.60s", e.Local())
	}
	i.ID, _ = e.Child(nsTypes, "ItemId").Attr("Id")
	i.ChangeKey, _ = e.Child(nsTypes, "ItemId").Attr("ChangeKey")
	if i.Start, err = readDateTime(e, "Start", timezone.UTC()); err != nil {
		return i, err
	}
	if i.End, err = readDateTime(e, "End", timezone.UTC()); err != nil {
		return i, err
	}
	var busy, kind, sensitivity string
	for name, into := range map[string]*string{"Subject": &i.Subject, "Location": &i.Location, "UID": &i.UID, "Body": &i.Body,
		"LegacyFreeBusyStatus": &busy, "CalendarItemType": &kind, "Sensitivity": &sensitivity} {
		if *into, err = e.Child(nsTypes, name).Text(); err != nil {
			return i, err
		}
	}
	if i.BusyType, err = mailbox.ParseBusyType(busy); err != nil || i.ID == "" || i.End.Before(i.Start) {
		return i, lie("an item with busy type %.40q from %s to %s", busy, i.Start, i.End)
	}
	i.AllDay, i.IsMeeting, i.IsReminderSet = isTrue(e.Child(nsTypes, "IsAllDayEvent")), isTrue(e.Child(nsTypes, "IsMeeting")), isTrue(e.Child(nsTypes, "ReminderIsSet"))
	i.IsRecurring, i.IsException, i.IsPrivate = kind == "Occurrence" || kind == "Exception", kind == "Exception", sensitivity == "Private" || sensitivity == "Confidential"
	return i, nil
}

// GetServerTimeZones asks for time zones by their Windows names, or for all; names that do not exist are left out of the
// answer. [timezone.FromDefinition] makes zones of them.
func (c *Client) GetServerTimeZones(ctx context.Context, names ...string) ([]timezone.Definition, error) {
	b := openRequest("GetServerTimeZones", ` ReturnFullTimeZoneData="true"`)
	if len(names) > 0 {
		b = append(b, "<m:Ids>"...)
		for _, n := range names {
			b = append(xmlsec.AppendText(append(b, "<t:Id>"...), n), "</t:Id>"...)
		}
		b = append(b, "</m:Ids>"...)
	}
	rows, err := c.rows(ctx, "GetServerTimeZones", append(b, "</m:GetServerTimeZones>"...), 1)
	if err != nil {
		return nil, err
	}
	if err := succeeded(rows[0]); err != nil {
		return nil, err
	}
	var out []timezone.Definition
	for e := range rows[0].Child(nsMessages, "TimeZoneDefinitions").Children() {
		d, err := readDefinition(e)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}
