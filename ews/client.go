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

// Client asks an Exchange Web Services endpoint.
type Client struct {
	URL           string // of Exchange.asmx, with /wssecurity for a partner
	HTTP          *http.Client
	UserAgent     string
	Username      string // Basic authentication, where Header is nil
	Password      string
	RequestHeader http.Header // further HTTP headers
	// Header returns ready SOAP header blocks for a message: how a delegation token travels.
	Header func(ctx context.Context, to, action string) ([]byte, error)
}

// Error is a fault that the endpoint answered.
type Error struct {
	Code         string // local name of the fault code
	ResponseCode string // EWS code, "" for WS-Security faults
	Message      string
	Security     bool          // the token or its message was refused
	BackOff      time.Duration // how long the endpoint wants not to be asked; 0: it did not say
}

func (e *Error) Error() string { return e.Message }

// ResponseCode is the EWS code of a mailbox's failure, as in an [availability.Result]; "NoError" for nil.
func ResponseCode(err error) string {
	if err == nil {
		return "NoError"
	}
	if code := fault.KindOf(err).Row().EWS; code != "" {
		return code
	}
	return "ErrorInternalServerError"
}

// GetUserAvailability asks for the mailboxes of q and returns their answers by position. Times are asked and answered
// in UTC. What the endpoint answers is checked: count, views, busy types, digits.
func (c *Client) GetUserAvailability(ctx context.Context, q availability.Query) ([]availability.Result, error) {
	if q.MergedInterval == 0 {
		q.MergedInterval = 30 * time.Minute
	}
	env, err := c.call(ctx, "GetUserAvailability", appendRequest(nil, q))
	if err != nil {
		return nil, err
	}
	return readResponse(env, q)
}

// call sends the body of an operation. The error of a refused request is an [*Error].
func (c *Client) call(ctx context.Context, operation string, body []byte) (*soap.Envelope, error) {
	action := nsMessages + "/" + operation
	headers := []byte(`<t:RequestServerVersion xmlns:t="` + nsTypes + `" Version="Exchange2013"></t:RequestServerVersion>`)
	if c.Header != nil {
		h, err := c.Header(ctx, c.URL, action)
		if err != nil {
			return nil, err
		}
		headers = append(headers, h...)
	}
	env, err := soap.Post(ctx, c.HTTP, soap.Request{URL: c.URL, Version: soap.V11, Action: action, UserAgent: c.UserAgent,
		Header: c.RequestHeader, Username: c.Username, Password: c.Password, Body: soap.Append(nil, soap.V11, "", headers, body)})
	if f, ok := errors.AsType[*soap.Fault](err); ok {
		return nil, &Error{Code: f.Code, ResponseCode: f.ResponseCode, Message: f.String, Security: f.Security(), BackOff: f.BackOff}
	}
	return env, err
}

func appendRequest(dst []byte, q availability.Query) []byte {
	dst = append(dst, `<m:GetUserAvailabilityRequest xmlns:m="`+nsMessages+`" xmlns:t="`+nsTypes+`"><t:TimeZone>`...)
	dst = appendSerializable(dst, timezone.UTC().Serializable(q.Window.Start))
	dst = append(dst, "</t:TimeZone><m:MailboxDataArray>"...)
	for _, m := range q.Mailboxes {
		dst = append(dst, "<t:MailboxData><t:Email><t:Address>"...)
		dst = xmlsec.AppendText(dst, m.Address.String())
		dst = append(dst, "</t:Address><t:RoutingType>SMTP</t:RoutingType></t:Email><t:AttendeeType>Required</t:AttendeeType></t:MailboxData>"...)
	}
	dst = append(dst, "</m:MailboxDataArray><t:FreeBusyViewOptions><t:TimeWindow>"...)
	dst = append(dst, "<t:StartTime>"+q.Window.Start.UTC().Format(wallTime)+"</t:StartTime><t:EndTime>"+q.Window.End.UTC().Format(wallTime)+"</t:EndTime></t:TimeWindow>"...)
	dst = appendInt(dst, "MergedFreeBusyIntervalInMinutes", int(q.MergedInterval/time.Minute))
	return append(dst, "<t:RequestedView>"+q.View.String()+"</t:RequestedView></t:FreeBusyViewOptions></m:GetUserAvailabilityRequest>"...)
}

func lie(format string, args ...any) error {
	return fmt.Errorf("the answer is not what was asked: "+format, args...)
}

func readResponse(env *soap.Envelope, q availability.Query) ([]availability.Result, error) {
	if !env.Payload.Is(nsMessages, "GetUserAvailabilityResponse") {
		return nil, lie("it is a %.60s", env.Payload.Local())
	}
	var out []availability.Result
	for r := range env.Payload.Child(nsMessages, "FreeBusyResponseArray").Children() {
		if !r.Is(nsMessages, "FreeBusyResponse") || len(out) == len(q.Mailboxes) {
			return nil, lie("it holds %s, or more mailboxes than %d", r.Local(), len(q.Mailboxes))
		}
		res, err := readResult(r, q)
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

func readResult(r xmlsec.Element, q availability.Query) (availability.Result, error) {
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
		code, _ := textOf(msg.Child(nsMessages, "ResponseCode"))
		text, _ := textOf(msg.Child(nsMessages, "MessageText"))
		res.Err = remoteError(code, text)
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
		ev, err := readEvent(e)
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

// remoteError keeps the partner's code where it is one of ours.
func remoteError(code, text string) error {
	for _, row := range fault.Table() {
		if row.EWS == code && code != "" && (row.ExceptionType != "" || row.HTTP == http.StatusOK) {
			return &fault.Error{Kind: row.Kind, Message: text}
		}
	}
	return fault.New(fault.ProxyRequestFailed, "Proxy web request failed. , inner exception: %s %s", code, text)
}

func readEvent(e xmlsec.Element) (o mailbox.Occurrence, err error) {
	utc := timezone.UTC()
	if o.Start, err = readDateTime(e, "StartTime", utc); err != nil {
		return o, err
	}
	if o.End, err = readDateTime(e, "EndTime", utc); err != nil {
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
		text, _ := textOf(d.Child(nsTypes, name))
		*into = text == "true" || text == "1"
	}
	return o, nil
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
