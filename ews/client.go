package ews

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/timezone"
)

// Client asks an Exchange Web Services endpoint: availd's, a partner's or an Exchange server's. It may be used by several
// goroutines at once. Methods are named after their operations, but for [Client.MailTipsConfiguration]. A refused request, and
// what failed of one row of an answer, is an [*Error]. An answer that is no SOAP has an [HTTPStatus]; whatever else went wrong on the way is an error of net/http.
type Client struct {
	URL           string       // of Exchange.asmx, with /wssecurity for a partner
	HTTP          *http.Client // nil: http.DefaultClient
	UserAgent     string
	Username      string // Basic authentication, where Header is nil
	Password      string
	RequestHeader http.Header // further HTTP headers
	// Header returns ready SOAP header blocks for a message: how a delegation token travels.
	Header func(ctx context.Context, to, action string) ([]byte, error)
}

// Error is what the endpoint answered: a fault, or the failure of one mailbox, folder or item.
type Error struct {
	Code         string // local name of the fault code; "" where it is no fault
	ResponseCode string // EWS code, such as ErrorAccessDenied; "" for WS-Security faults
	Message      string
	Security     bool          // the token or its message was refused
	BackOff      time.Duration // how long the endpoint wants not to be asked; 0: it did not say
}

// Error returns the endpoint's message.
func (e *Error) Error() string { return e.Message }

// ResponseCode is the EWS code of a failure, also of a mailbox's in an [availability.Result]; "NoError" for nil.
func ResponseCode(err error) string {
	if err == nil {
		return "NoError"
	}
	f, ours := errors.AsType[*fault.Error](err)
	if e, ok := errors.AsType[*Error](err); ok && !ours && e.ResponseCode != "" {
		return e.ResponseCode
	}
	if ours && f.Kind.Row().EWS != "" {
		return f.Kind.Row().EWS
	}
	return "ErrorInternalServerError"
}

// HTTPStatus is the status of an answer that was no SOAP, such as 401 where the password is wrong; 0 for every other error.
func HTTPStatus(err error) int {
	if e, ok := errors.AsType[*soap.HTTPError](err); ok {
		return e.Status
	}
	return 0
}

// GetUserAvailability asks for the free/busy of q's mailboxes, for suggestions, or for both ([MS-OXWAVLS] 3.1.4.1). The
// results have the mailboxes' positions; what failed of one is its Err, which unwraps to an [*Error]. What the endpoint
// answers is checked: count, views, busy types, digits.
//
// Without a Zone times travel in UTC, where none is ambiguous. In a zone days of suggestions begin at its midnights, and
// an entry that lies in the hour that summer time repeats is taken for the longest time that it can mean. Requester is not
// sent. AttendeeType and ExcludeConflicts are, where suggestions are asked.
func (c *Client) GetUserAvailability(ctx context.Context, q availability.Query) (availability.Answer, error) {
	if q.MergedInterval == 0 {
		q.MergedInterval = 30 * time.Minute
	}
	rule, zone, err := asked(q)
	if err != nil {
		return availability.Answer{}, err
	}
	env, err := c.call(ctx, "GetUserAvailability", freeBusyRequest(q, rule, zone))
	if err != nil {
		return availability.Answer{}, err
	}
	return readAnswer(env, q, zone)
}

// asked is the zone of q as it travels: the rule of the year in which its window starts, and what that makes of times.
func asked(q availability.Query) (rule timezone.Serializable, zone *timezone.Zone, err error) {
	if q.Zone == nil {
		return timezone.UTC().Serializable(q.Window.Start), timezone.UTC(), nil
	}
	start := q.Window.Start
	if q.View == availability.ViewNone && q.Suggestions != nil {
		start = q.Suggestions.Window.Start
	}
	rule = q.Zone.Serializable(start)
	zone, err = timezone.FromSerializable(rule)
	return rule, zone, err
}

func freeBusyRequest(q availability.Query, rule timezone.Serializable, zone *timezone.Zone) []byte {
	dst := append(openRequest("GetUserAvailabilityRequest", ""), "<t:TimeZone>"...)
	dst = appendSerializable(dst, rule)
	dst = append(dst, "</t:TimeZone><m:MailboxDataArray>"...)
	for _, m := range q.Mailboxes {
		kind := availability.Required // who asks for free/busy alone does not tell what for
		if q.Suggestions != nil {
			kind = m.Type
		}
		address := m.Raw
		if !m.Address.IsZero() {
			address = m.Address.String()
		}
		dst = append(dst, "<t:MailboxData><t:Email><t:Address>"...)
		dst = xmlsec.AppendText(dst, address)
		dst = append(dst, "</t:Address><t:RoutingType>SMTP</t:RoutingType></t:Email><t:AttendeeType>"+attendeeTypes[kind]+"</t:AttendeeType>"...)
		if q.Suggestions != nil && m.ExcludeConflicts {
			dst = append(dst, "<t:ExcludeConflicts>true</t:ExcludeConflicts>"...)
		}
		dst = append(dst, "</t:MailboxData>"...)
	}
	dst = append(dst, "</m:MailboxDataArray>"...)
	if q.View != availability.ViewNone {
		dst = appendInstants(append(dst, "<t:FreeBusyViewOptions>"...), q)
		dst = appendInt(dst, "MergedFreeBusyIntervalInMinutes", int(q.MergedInterval/time.Minute))
		dst = append(dst, "<t:RequestedView>"+q.View.String()+"</t:RequestedView></t:FreeBusyViewOptions>"...)
	}
	if q.Suggestions != nil {
		dst = appendSuggestionsOptions(dst, q.Suggestions, zone)
	}
	return append(dst, "</m:GetUserAvailabilityRequest>"...)
}

// appendInstants writes the window in UTC, and says so where the zone of the answer is another: local to that one a
// bound in the hour that summer time repeats would be read as an hour later.
func appendInstants(dst []byte, q availability.Query) []byte {
	z := ""
	if q.Zone != nil {
		z = "Z"
	}
	dst = append(dst, "<t:TimeWindow><t:StartTime>"+q.Window.Start.UTC().Format(wallTime)+z+"</t:StartTime>"...)
	return append(dst, "<t:EndTime>"+q.Window.End.UTC().Format(wallTime)+z+"</t:EndTime></t:TimeWindow>"...)
}

// appendWindow writes a window of whole days, local to zone.
func appendWindow(dst []byte, name string, w availability.Window, zone *timezone.Zone) []byte {
	dst = appendWall(append(dst, "<t:"+name+"><t:StartTime>"...), zone.Wall(w.Start))
	dst = appendWall(append(dst, "</t:StartTime><t:EndTime>"...), zone.Wall(w.End))
	return append(dst, "</t:EndTime></t:"+name+">"...)
}

func readAnswer(env *soap.Envelope, q availability.Query, zone *timezone.Zone) (a availability.Answer, err error) {
	if !env.Payload.Is(nsMessages, "GetUserAvailabilityResponse") {
		return a, lie("it is a %.60s", env.Payload.Local())
	}
	if q.View != availability.ViewNone {
		if a.Results, err = readResults(env.Payload.Child(nsMessages, "FreeBusyResponseArray"), q, zone); err != nil {
			return a, err
		}
	}
	if q.Suggestions != nil {
		a.Suggestions, err = readSuggestionsAnswer(env.Payload.Child(nsMessages, "SuggestionsResponse"), len(q.Mailboxes), zone)
	}
	return a, err
}

func readResults(array xmlsec.Element, q availability.Query, zone *timezone.Zone) (out []availability.Result, err error) {
	for r := range array.Children() {
		if !r.Is(nsMessages, "FreeBusyResponse") || len(out) == len(q.Mailboxes) {
			return nil, lie("it holds %s, or more mailboxes than %d", r.Local(), len(q.Mailboxes))
		}
		res, err := readResult(r, q, zone)
		if err != nil {
			return nil, err
		}
		out = append(out, res)
	}
	if len(out) != len(q.Mailboxes) {
		return nil, lie("%d mailboxes instead of %d", len(out), len(q.Mailboxes))
	}
	return out, nil
}

func readResult(r xmlsec.Element, q availability.Query, zone *timezone.Zone) (availability.Result, error) {
	var res availability.Result
	msg := r.Child(nsMessages, "ResponseMessage")
	class, _ := msg.Attr("ResponseClass")
	view := r.Child(nsMessages, "FreeBusyView")
	name, err := textOf(view.Child(nsTypes, "FreeBusyViewType"))
	if err != nil {
		return res, err
	}
	kind, known := availability.ParseView(name)
	if class == "Error" || !known || kind == availability.ViewNone {
		res.Err = remoteError(saidIn(msg))
		return res, nil
	}
	res.View.Type = kind
	if res.View.Merged, err = textOf(view.Child(nsTypes, "MergedFreeBusy")); err != nil {
		return res, err
	}
	slots := int((q.Window.End.Sub(q.Window.Start) + q.MergedInterval - 1) / q.MergedInterval)
	if kind.HasMerged() && (len(res.View.Merged) != slots || strings.Trim(res.View.Merged, "01234") != "") {
		return res, lie("MergedFreeBusy has %d digits, or others than 0 to 4, instead of %d", len(res.View.Merged), slots)
	}
	for e := range view.Child(nsTypes, "CalendarEventArray").Children() {
		ev, err := readEvent(e, zone)
		if err != nil {
			return res, err
		}
		if res.View.Events = append(res.View.Events, ev); len(res.View.Events) > 1000 {
			return res, lie("more than 1000 calendar entries")
		}
	}
	res.View.WorkingHours, res.View.WorkingZone, err = readWorkingHours(view.Child(nsTypes, "WorkingHours"))
	return res, err
}

// remoteError keeps the partner's code where it is one of ours. Either way the error unwraps to what was answered.
func remoteError(answered *Error) error {
	code, text := answered.ResponseCode, answered.Message
	if kind, ours := fault.InAnswer(code); ours {
		return &fault.Error{Kind: kind, Message: text, Cause: answered}
	}
	return &fault.Error{Kind: fault.ProxyRequestFailed, Message: fmt.Sprintf("Proxy web request failed. , inner exception: %s %s", code, text), Cause: answered}
}

func readEvent(e xmlsec.Element, zone *timezone.Zone) (o mailbox.Occurrence, err error) {
	if o.Start, err = readPlaced(e, "StartTime", zone.Instant); err != nil {
		return o, err
	}
	if o.End, err = readPlaced(e, "EndTime", zone.InstantStandard); err != nil {
		return o, err
	}
	busy, err := textOf(e.Child(nsTypes, "BusyType"))
	if err != nil {
		return o, err
	}
	if o.BusyType, err = mailbox.ParseBusyType(busy); err != nil || o.End.Before(o.Start) {
		return o, lie("a calendar entry with busy type %.40q from %s to %s", busy, o.Start, o.End)
	}
	d := e.Child(nsTypes, "CalendarEventDetails")
	if o.Subject, err = d.Child(nsTypes, "Subject").Text(); err != nil {
		return o, err
	}
	if o.Location, err = d.Child(nsTypes, "Location").Text(); err != nil {
		return o, err
	}
	for name, into := range map[string]*bool{"IsMeeting": &o.IsMeeting, "IsRecurring": &o.IsRecurring, "IsException": &o.IsException, "IsReminderSet": &o.IsReminderSet, "IsPrivate": &o.IsPrivate} {
		*into = isTrue(d.Child(nsTypes, name))
	}
	return o, nil
}

// isTrue reads an xsd:boolean; one that is missing is false.
func isTrue(e xmlsec.Element) bool {
	text, _ := textOf(e)
	return text == "true" || text == "1"
}

func readWorkingHours(e xmlsec.Element) (*mailbox.WorkingHours, timezone.Serializable, error) {
	if e.IsZero() {
		return nil, timezone.Serializable{}, nil
	}
	z, err := readSerializable(e.Child(nsTypes, "TimeZone"))
	if err != nil {
		return nil, z, err
	}
	w := &mailbox.WorkingHours{}
	for p := range e.Child(nsTypes, "WorkingPeriodArray").Children() {
		var period mailbox.WorkingPeriod
		days, err := textOf(p.Child(nsTypes, "DayOfWeek"))
		if err != nil {
			return nil, z, err
		}
		for d := range strings.FieldsSeq(days) {
			day, err := readWeekday(p, d)
			if err != nil {
				return nil, z, err
			}
			period.Days = append(period.Days, day)
		}
		if period.Start, err = readInt(p.Child(nsTypes, "StartTimeInMinutes")); err != nil {
			return nil, z, err
		}
		if period.End, err = readInt(p.Child(nsTypes, "EndTimeInMinutes")); err != nil {
			return nil, z, err
		}
		if period.Start < 0 || period.End > 1440 || len(w.Periods) >= 64 {
			return nil, z, lie("working hours from %d to %d", period.Start, period.End)
		}
		w.Periods = append(w.Periods, period)
	}
	if len(w.Periods) == 0 {
		return nil, z, nil
	}
	return w, z, nil
}
