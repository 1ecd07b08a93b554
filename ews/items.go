package ews

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/record"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/mailbox/timezone"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// Calendar reads the entries of an own calendar, as far as the requester may see them; an empty window asks for nothing
// but the right. Its errors are those of [availability.Service.CalendarView].
type Calendar interface {
	CalendarView(ctx context.Context, r orgrel.Requester, owner smtpaddr.Address, w availability.Window) (availability.CalendarView, error)
}

const (
	maxFindFolders = 10  // each is a read of up to two years
	maxGetItems    = 100 // as many as programs ask for in one request
	maxFound       = 1000
)

// findItem answers m:FindItem. The calendar is read with a CalendarView and without conditions, every other folder is
// empty ([MS-OXWSSRCH] 3.1.4.2, [MS-OXWSCDATA] CalendarViewType).
func (h *Handler) findItem(ctx context.Context, env *soap.Envelope, who orgrel.Requester) ([]byte, error) {
	req := env.Payload
	if err := order(req, nsMessages+" ItemShape", nsMessages+" IndexedPageItemView", nsMessages+" FractionalPageItemView", nsMessages+" CalendarView",
		nsMessages+" Restriction", nsMessages+" SortOrder", nsMessages+" ParentFolderIds", nsMessages+" QueryString"); err != nil {
		return nil, err
	}
	shape, err := readItemShape(env, false)
	if err != nil {
		return nil, err
	}
	traversal, _ := req.Attr("Traversal")
	if traversal != "Shallow" && traversal != "SoftDeleted" && traversal != "Associated" {
		return nil, soap.Schema(req, "The attribute 'Traversal' is missing or not known.")
	}
	view, err := readCalendarView(env)
	if err != nil {
		return nil, err
	}
	dst := []byte(`<FindItemResponse xmlns="` + nsMessages + `" xmlns:t="` + nsTypes + `"><ResponseMessages>`)
	n, codes := 0, map[string]int{}
	for e := range req.Child(nsMessages, "ParentFolderIds").Children() {
		if n++; n > maxFindFolders {
			return nil, soap.Schema(e, "There are too many folder ids.")
		}
		found, err := h.find(ctx, e, who, view, shape, traversal == "Shallow")
		codes[rowCode(err)]++
		if err != nil {
			dst = appendRowError(dst, "FindItemResponseMessage", err, "")
			continue
		}
		dst = appendStatus(dst, "FindItemResponseMessage", nil)
		dst = append(appendFound(dst, found, shape), "</FindItemResponseMessage>"...)
	}
	if n == 0 {
		return nil, soap.Schema(req, "The element 'ParentFolderIds' is missing or empty.")
	}
	record.From(ctx).Set(slog.Any("rows", codes))
	return append(dst, "</ResponseMessages></FindItemResponse>"...), nil
}

// found is what a folder holds of what was asked.
type found struct {
	items []item
	more  bool // left out, by the request's own limit
}

// find searches one folder.
func (h *Handler) find(ctx context.Context, id xmlsec.Element, who orgrel.Requester, view *calendarView, shape itemShape, shallow bool) (found, error) {
	f, err := h.findFolder(ctx, id, who)
	switch {
	case err != nil:
		return found{}, err
	case view == nil && f.name == "calendar" && shallow:
		return found{}, &rowError{"ErrorInvalidOperation", "The calendar is read with a CalendarView."}
	case view == nil:
		return found{}, nil
	case f.name != "calendar":
		return found{}, &rowError{"ErrorCalendarFolderIsInvalidForCalendarView", "CalendarView can be used with calendar folders only."}
	case shape.invalid != "":
		return found{}, &rowError{"ErrorInvalidPropertyForOperation", "Property is not valid for this operation."}
	case !shallow:
		return found{}, nil
	}
	if err := view.check(); err != nil {
		return found{}, err
	}
	owner := f.owner
	if owner.IsZero() {
		owner = who.Address
	}
	read, err := h.o.Calendar.CalendarView(ctx, who, owner, view.window)
	if err != nil {
		return found{}, err
	}
	items := itemsOf(read)
	switch {
	case view.limit == 0 && len(items) > maxFound:
		return found{}, &rowError{"ErrorExceededFindCountLimit", "You have exceeded the maximum number of objects that can be returned for the find operation. Use MaxEntriesReturned, or a shorter view."}
	case view.limit > 0 && len(items) > min(view.limit, maxFound):
		return found{items[:min(view.limit, maxFound)], true}, nil
	}
	return found{items, false}, nil
}

// calendarView is m:CalendarView.
type calendarView struct {
	window availability.Window
	limit  int // 0: none
}

// readCalendarView reads m:CalendarView; nil when the request has none.
func readCalendarView(env *soap.Envelope) (*calendarView, error) {
	req := env.Payload
	e := req.Child(nsMessages, "CalendarView")
	if e.IsZero() {
		return nil, nil
	}
	for _, name := range []string{"Restriction", "SortOrder", "QueryString"} {
		if !req.Child(nsMessages, name).IsZero() {
			return nil, fault.New(fault.InvalidRequest, "Restrictions and sort order may not be specified for a CalendarView.")
		}
	}
	zone, err := readZone(env, req)
	if err != nil {
		return nil, err
	}
	if zone == nil {
		zone = timezone.UTC()
	}
	v := &calendarView{}
	for _, f := range []struct {
		name string
		into *time.Time
	}{{"StartDate", &v.window.Start}, {"EndDate", &v.window.End}} {
		text, ok := e.Attr(f.name)
		if !ok {
			return nil, soap.Schema(e, "The attribute '"+f.name+"' is missing.")
		}
		if *f.into, err = parseDateTime(e, f.name, text, zone.InstantStandard); err != nil {
			return nil, err
		}
	}
	if text, ok := e.Attr("MaxEntriesReturned"); ok {
		if v.limit, err = strconv.Atoi(text); err != nil || v.limit < 1 {
			return nil, soap.Schema(e, fmt.Sprintf("MaxEntriesReturned is '%.40s' and must be a number from 1.", text))
		}
	}
	return v, nil
}

// check refuses a window that no calendar is read in.
func (v *calendarView) check() error {
	switch {
	case v.window.End.Before(v.window.Start):
		return &rowError{"ErrorCalendarEndDateIsEarlierThanStartDate", "EndDate is earlier than StartDate"}
	case v.window.End.After(v.window.Start.AddDate(2, 0, 0)):
		return &rowError{"ErrorCalendarViewRangeTooBig", "The specified view range exceeds the maximum range of two years."}
	}
	return nil
}

// getItem answers m:GetItem for ids that findItem gave. Ids of one calendar and one day are read at once.
func (h *Handler) getItem(ctx context.Context, env *soap.Envelope, who orgrel.Requester) ([]byte, error) {
	req := env.Payload
	if err := order(req, nsMessages+" ItemShape", nsMessages+" ItemIds"); err != nil {
		return nil, err
	}
	shape, err := readItemShape(env, true)
	if err != nil {
		return nil, err
	}
	dst := []byte(`<GetItemResponse xmlns="` + nsMessages + `" xmlns:t="` + nsTypes + `"><ResponseMessages>`)
	n, codes, days := 0, map[string]int{}, itemDays{h: h, who: who, read: map[itemDay]dayRead{}}
	for e := range req.Child(nsMessages, "ItemIds").Children() {
		if n++; n > maxGetItems {
			return nil, soap.Schema(e, "There are too many item ids.")
		}
		it, err := days.find(ctx, e)
		codes[rowCode(err)]++
		if err != nil {
			dst = appendRowError(dst, "GetItemResponseMessage", err, "<Items></Items>")
			continue
		}
		dst = append(appendStatus(dst, "GetItemResponseMessage", nil), "<Items>"...)
		dst = append(appendItem(dst, it, shape), "</Items></GetItemResponseMessage>"...)
	}
	if n == 0 {
		return nil, soap.Schema(req, "The element 'ItemIds' is missing or empty.")
	}
	record.From(ctx).Set(slog.Any("rows", codes))
	return append(dst, "</ResponseMessages></GetItemResponse>"...), nil
}

// itemDays are the days that the ids of one request lie in, each read once.
type itemDays struct {
	h    *Handler
	who  orgrel.Requester
	read map[itemDay]dayRead
}

type itemDay struct {
	owner smtpaddr.Address
	start time.Time
}

type dayRead struct {
	items []item
	err   error
}

// find reads the item that e names.
func (d *itemDays) find(ctx context.Context, e xmlsec.Element) (item, error) {
	id, err := readItemID(e)
	if err != nil {
		return item{}, err
	}
	day := itemDay{id.owner, id.start.Truncate(24 * time.Hour)}
	got, ok := d.read[day]
	if !ok {
		var view availability.CalendarView
		view, got.err = d.h.o.Calendar.CalendarView(ctx, d.who, day.owner, availability.Window{Start: day.start, End: day.start.Add(24 * time.Hour)})
		got.items = itemsOf(view)
		d.read[day] = got
	}
	if got.err != nil {
		return item{}, got.err
	}
	for _, it := range got.items {
		if it.id().same(id) {
			return it, nil
		}
	}
	return item{}, &rowError{"ErrorItemNotFound", "The specified object was not found in the store."}
}
