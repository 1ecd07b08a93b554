package ews

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/timezone"
)

// item is one occurrence as it is shown.
type item struct {
	*mailbox.Occurrence
	view *availability.CalendarView
	zone string // the owner's, by its Windows name; "" where it has none
}

func itemsOf(v availability.CalendarView) []item {
	items := make([]item, len(v.Entries))
	if len(items) == 0 {
		return items
	}
	zone := windowsName(v.Zone)
	for i := range items {
		items[i] = item{&v.Entries[i], &v, zone}
	}
	return items
}

// bare tells whether only the time of the item is shown.
func (it *item) bare() bool { return it.IsPrivate && !it.view.Own }

// id names the item. Whoever knows a meeting's UID must not find out by it that a bare item is that meeting, so that those
// are told apart by what is shown of them.
func (it *item) id() itemID {
	if it.bare() {
		return itemID{it.view.Mailbox, it.Start, seriesOf(it.changeKey())}
	}
	return itemID{it.view.Mailbox, it.Start, seriesOf(it.UID)}
}

// itemShape is what is wanted of each item.
type itemShape struct {
	properties []property
	elsewhere  bool   // the client's version knows WorkingElsewhere
	invalid    string // a property that the operation does not give
}

// property is one of t:CalendarItem.
type property struct {
	uri     string // as FieldURI names it
	common  bool   // in the shape Default, and not only in AllProperties
	getItem bool   // GetItem alone gives it
	modern  bool   // since Exchange2010
	write   writer
}

// properties are those that there is data for, in the order of the schema; they are never changed.
var properties = []property{
	{uri: "item:ParentFolderId", write: func(dst []byte, it *item, _ *itemShape) []byte {
		calendar, _ := folderNamed("calendar")
		f := mailboxFolder{folder: calendar}
		if !it.view.Own {
			f.owner = it.view.Mailbox
		}
		return appendFolderID(dst, "ParentFolderId", f)
	}},
	{uri: "item:ItemClass", write: constantElement("ItemClass", "IPM.Appointment")},
	{uri: "item:Subject", common: true, write: textElement("Subject", func(it *item) string { return it.Subject })},
	{uri: "item:Sensitivity", write: textElement("Sensitivity", func(it *item) string {
		if it.IsPrivate {
			return "Private"
		}
		return "Normal"
	})},
	// The calendars hold no descriptions for free/busy.
	{uri: "item:Body", common: true, getItem: true, write: func(dst []byte, _ *item, _ *itemShape) []byte {
		return append(dst, `<t:Body BodyType="Text"></t:Body>`...)
	}},
	{uri: "item:ReminderIsSet", write: flagElement("ReminderIsSet", func(it *item) bool { return it.IsReminderSet })},
	{uri: "item:HasAttachments", common: true, write: constantElement("HasAttachments", "false")},
	{uri: "calendar:UID", write: textElement("UID", func(it *item) string {
		if it.bare() {
			return ""
		}
		return it.UID
	})},
	{uri: "calendar:Start", common: true, write: instantElement("Start", func(it *item) time.Time { return it.Start })},
	{uri: "calendar:End", common: true, write: instantElement("End", func(it *item) time.Time { return it.End })},
	{uri: "calendar:IsAllDayEvent", write: flagElement("IsAllDayEvent", func(it *item) bool { return it.AllDay })},
	{uri: "calendar:LegacyFreeBusyStatus", common: true, write: func(dst []byte, it *item, s *itemShape) []byte {
		busy := it.BusyType
		if busy == mailbox.WorkingElsewhere && !s.elsewhere {
			busy = mailbox.Free
		}
		return append(dst, "<t:LegacyFreeBusyStatus>"+busy.String()+"</t:LegacyFreeBusyStatus>"...)
	}},
	{uri: "calendar:Location", common: true, write: textElement("Location", func(it *item) string { return it.Location })},
	{uri: "calendar:IsMeeting", write: flagElement("IsMeeting", func(it *item) bool { return it.IsMeeting })},
	{uri: "calendar:IsCancelled", write: constantElement("IsCancelled", "false")}, // cancelled events take no time and are not read
	{uri: "calendar:IsRecurring", common: true, write: flagElement("IsRecurring", func(it *item) bool { return it.IsRecurring })},
	{uri: "calendar:CalendarItemType", common: true, write: textElement("CalendarItemType", func(it *item) string {
		switch {
		case it.IsException:
			return "Exception"
		case it.IsRecurring:
			return "Occurrence"
		}
		return "Single"
	})},
	{uri: "calendar:Duration", write: textElement("Duration", func(it *item) string { return xsdDuration(it.End.Sub(it.Start)) })},
	{uri: "calendar:StartTimeZone", modern: true, write: zoneElement("StartTimeZone")},
	{uri: "calendar:EndTimeZone", modern: true, write: zoneElement("EndTimeZone")},
}

// writer writes one property.
type writer = func(dst []byte, it *item, s *itemShape) []byte

func constantElement(name, value string) writer {
	return func(dst []byte, _ *item, _ *itemShape) []byte {
		return append(dst, "<t:"+name+">"+value+"</t:"+name+">"...)
	}
}

// textElement writes an element that is left out where it is empty.
func textElement(name string, of func(it *item) string) writer {
	return func(dst []byte, it *item, _ *itemShape) []byte {
		value := of(it)
		if value == "" {
			return dst
		}
		return append(xmlsec.AppendText(append(dst, "<t:"+name+">"...), value), "</t:"+name+">"...)
	}
}

func flagElement(name string, of func(it *item) bool) writer {
	return func(dst []byte, it *item, _ *itemShape) []byte {
		return append(strconv.AppendBool(append(dst, "<t:"+name+">"...), of(it)), "</t:"+name+">"...)
	}
}

// instantElement writes UTC, which every client understands, whatever the zone of the request.
func instantElement(name string, of func(it *item) time.Time) writer {
	return func(dst []byte, it *item, _ *itemShape) []byte {
		return append(appendWall(append(dst, "<t:"+name+">"...), of(it).UTC()), "Z</t:"+name+">"...)
	}
}

// zoneElement names the owner's zone, in which whole days begin and end; a zone without a Windows name is left out.
func zoneElement(name string) writer {
	return func(dst []byte, it *item, _ *itemShape) []byte {
		if it.zone == "" {
			return dst
		}
		return append(attr(append(dst, "<t:"+name...), "Id", it.zone), "></t:"+name+">"...)
	}
}

// windowsName is the Windows name of z, "" where it has none.
func windowsName(z *timezone.Zone) string {
	for _, name := range timezone.WindowsNames() {
		if w, err := timezone.Lookup(name); err == nil && w.Name() == z.Name() {
			return name
		}
	}
	return ""
}

// readItemShape reads m:ItemShape. Properties that there is no data for are left out of the answer, as if they were not
// set; those that a search never gives are refused in its rows.
func readItemShape(env *soap.Envelope, getItem bool) (s itemShape, err error) {
	if s.elsewhere, err = readVersion(env); err != nil {
		return s, err
	}
	e := env.Payload.Child(nsMessages, "ItemShape")
	base, err := textOf(e.Child(nsTypes, "BaseShape"))
	if err != nil {
		return s, err
	}
	if !slices.Contains([]string{"IdOnly", "Default", "AllProperties"}, base) {
		return s, soap.Schema(env.Payload, fmt.Sprintf("The BaseShape '%.40s' is missing or not known.", base))
	}
	var asked []string
	for p := range e.Child(nsTypes, "AdditionalProperties").Children() {
		if uri, ok := p.Attr("FieldURI"); ok && p.Is(nsTypes, "FieldURI") {
			asked = append(asked, uri)
		}
	}
	if mime, _ := textOf(e.Child(nsTypes, "IncludeMimeContent")); mime == "true" || mime == "1" {
		asked = append(asked, "item:MimeContent")
	}
	if !getItem {
		for _, uri := range []string{"item:MimeContent", "item:TextBody", "item:UniqueBody", "item:NormalizedBody"} {
			if slices.Contains(asked, uri) {
				s.invalid = uri
			}
		}
	}
	for _, p := range properties {
		wanted := base == "AllProperties" || base == "Default" && p.common || slices.Contains(asked, p.uri)
		if wanted && (getItem || !p.getItem) && (!p.modern || modern(env)) {
			s.properties = append(s.properties, p)
		}
	}
	return s, nil
}

// modern tells whether the client's version is Exchange2010 or later.
func modern(env *soap.Envelope) bool {
	v, ok := env.Header.Child(nsTypes, "RequestServerVersion").Attr("Version")
	i := slices.Index(versions, v)
	return ok && (i < 0 || i >= slices.Index(versions, "Exchange2010"))
}

// appendFound writes m:RootFolder.
func appendFound(dst []byte, f found, s itemShape) []byte {
	dst = attr(append(dst, "<RootFolder"...), "TotalItemsInView", strconv.Itoa(len(f.items)))
	dst = append(attr(dst, "IncludesLastItemInRange", strconv.FormatBool(!f.more)), "><t:Items>"...)
	for _, it := range f.items {
		dst = appendItem(dst, it, s)
	}
	return append(dst, "</t:Items></RootFolder>"...)
}

// appendItem writes t:CalendarItem ([MS-OXWSMTGS] CalendarItemType).
func appendItem(dst []byte, it item, s itemShape) []byte {
	dst = append(dst, "<t:CalendarItem><t:ItemId"...)
	dst = append(attr(attr(dst, "Id", it.id().String()), "ChangeKey", it.changeKey()), "></t:ItemId>"...)
	for _, p := range s.properties {
		dst = p.write(dst, &it, &s)
	}
	return append(dst, "</t:CalendarItem>"...)
}

// rowError is a failure of one row of an answer, with a code that only this wire has.
type rowError struct{ code, text string }

func (e *rowError) Error() string { return e.code + ": " + e.text }

var (
	errMalformedID    = &rowError{"ErrorInvalidIdMalformed", "Id is malformed."}
	errFolderNotFound = &rowError{"ErrorFolderNotFound", "The specified folder could not be found in the store."}
)

// rowOf is what a failure is called in a row.
func rowOf(err error) rowError {
	if e, ok := errors.AsType[*rowError](err); ok {
		return *e
	}
	f := fault.As(err)
	switch f.Kind {
	case fault.MailRecipientNotFound:
		return rowError{"ErrorNonExistentMailbox", f.Text()}
	case fault.FreeBusyGenerationFailed:
		return rowError{"ErrorCorruptData", "The calendar could not be read."}
	case fault.ResultSetTooBig:
		return rowError{"ErrorExceededFindCountLimit", f.Text()}
	}
	return rowError{ResponseCode(f), f.Text()}
}

func rowCode(err error) string {
	if err == nil {
		return "NoError"
	}
	return rowOf(err).code
}

// appendRowError writes the response message of a row that failed; rest is what its schema wants even then.
func appendRowError(dst []byte, message string, err error, rest string) []byte {
	row := rowOf(err)
	return append(appendProblem(dst, message, "Error", row.text, row.code), rest+"</"+message+">"...)
}
