package ews

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/mailbox/timezone"
	"github.com/availd/availd/smtpaddr"
)

// request is a decoded GetUserAvailabilityRequest.
type request struct {
	query     availability.Query
	elsewhere bool // the client's version knows WorkingElsewhere
}

// versions are the names of RequestServerVersion that are known, oldest first; WorkingElsewhere came with Exchange2013.
var versions = []string{"Exchange2007", "Exchange2007_SP1", "Exchange2009", "Exchange2010", "Exchange2010_SP1", "Exchange2010_SP2",
	"Exchange2012", "Exchange2013", "Exchange2013_SP1", "Exchange2015", "Exchange2016", "Exchange2019", "V2015_10_05", "V2016_01_06",
	"V2016_04_13", "V2016_07_13", "V2016_10_10", "V2017_01_07", "V2017_04_14", "V2017_07_11"}

// newerVersion has the form of the known names: a client of a later Exchange is served as one of the newest known.
var newerVersion = regexp.MustCompile(`^(Exchange|V)20\d\d(_\w{1,20})?$`)

// readVersion tells whether the client's version knows WorkingElsewhere; who names none counts as the oldest.
func readVersion(env *soap.Envelope) (elsewhere bool, err error) {
	v := env.Header.Child(nsTypes, "RequestServerVersion")
	if v.IsZero() {
		return false, nil
	}
	name, _ := v.Attr("Version")
	if i := slices.Index(versions, name); i >= 0 {
		return i >= slices.Index(versions, "Exchange2013"), nil
	}
	if !newerVersion.MatchString(name) {
		return false, fault.Because(fault.InvalidServerVersion, fmt.Errorf("version %.40q", name))
	}
	return true, nil
}

func readRequest(env *soap.Envelope) (*request, error) {
	elsewhere, err := readVersion(env)
	if err != nil {
		return nil, err
	}
	r := &request{elsewhere: elsewhere}
	body := env.Payload
	if err := order(body, nsTypes+" TimeZone", nsMessages+" MailboxDataArray", nsTypes+" FreeBusyViewOptions", nsTypes+" SuggestionsViewOptions"); err != nil {
		return nil, err
	}
	zone, err := readZone(env, body)
	if err != nil {
		return nil, err
	}
	r.query.Zone = zone
	if zone == nil {
		r.query.Zone = timezone.UTC()
	}
	if err := readMailboxes(body, &r.query); err != nil {
		return nil, err
	}
	options, suggestions := body.Child(nsTypes, "FreeBusyViewOptions"), body.Child(nsTypes, "SuggestionsViewOptions")
	if options.IsZero() && suggestions.IsZero() {
		return nil, fault.New(fault.MissingArgument, "FreeBusyViewOptions or SuggestionsViewOptions is required.")
	}
	if !suggestions.IsZero() {
		if r.query.Suggestions, err = readSuggestions(suggestions, zone); err != nil {
			return nil, err
		}
	}
	if options.IsZero() {
		return r, nil // availability.ViewNone: free/busy is not asked
	}
	return r, readOptions(options, zone, &r.query)
}

// order refuses children that are unknown, doubled or out of the schema's order.
func order(e xmlsec.Element, names ...string) error {
	at := -1
	for c := range e.Children() {
		i := slices.Index(names, c.Space()+" "+c.Local())
		if i < 0 || i <= at {
			return soap.Schema(c, fmt.Sprintf("The element '%.60s' in namespace '%.100s' is not expected in '%s'.", c.Local(), c.Space(), e.Local()))
		}
		at = i
	}
	return nil
}

// attendeeTypes are the schema's names, by availability.AttendeeType.
var attendeeTypes = [...]string{availability.Organizer: "Organizer", availability.Required: "Required", availability.Optional: "Optional",
	availability.Room: "Room", availability.Resource: "Resource"}

func readMailboxes(body xmlsec.Element, q *availability.Query) error {
	array := body.Child(nsMessages, "MailboxDataArray")
	if array.IsZero() {
		return soap.Schema(body, "The element 'MailboxDataArray' is missing.")
	}
	for m := range array.Children() {
		email := m.Child(nsTypes, "Email")
		if !m.Is(nsTypes, "MailboxData") || email.IsZero() || email.Child(nsTypes, "Address").IsZero() {
			return soap.Schema(m, "A MailboxData with Email and Address is expected.")
		}
		var a availability.Attendee
		var kind, exclude string
		for _, f := range []struct {
			e    xmlsec.Element
			into *string
		}{{email.Child(nsTypes, "Name"), &a.DisplayName}, {email.Child(nsTypes, "Address"), &a.Raw}, {email.Child(nsTypes, "RoutingType"), &a.RoutingType},
			{m.Child(nsTypes, "AttendeeType"), &kind}, {m.Child(nsTypes, "ExcludeConflicts"), &exclude}} {
			var err error
			if *f.into, err = textOf(f.e); err != nil {
				return err
			}
		}
		known := slices.Index(attendeeTypes[:], kind)
		if known < 0 {
			return soap.Schema(m, fmt.Sprintf("The AttendeeType '%.40s' is not known.", kind))
		}
		if !slices.Contains([]string{"", "true", "1", "false", "0"}, exclude) {
			return soap.Schema(m, fmt.Sprintf("The value '%.40s' of ExcludeConflicts is not a boolean.", exclude))
		}
		a.Type = availability.AttendeeType(known)
		a.ExcludeConflicts = exclude == "true" || exclude == "1"
		if a.RoutingType == "" || strings.EqualFold(a.RoutingType, "SMTP") {
			if addr, err := smtpaddr.ParseProxyAddress(a.Raw); err == nil {
				a.Address = addr
			}
		}
		q.Mailboxes = append(q.Mailboxes, a)
		if len(q.Mailboxes) > 1000 {
			return fault.New(fault.MailboxDataArrayTooBig, "The MailboxDataArray has more than 1000 entries; the maximum is 100.")
		}
	}
	return nil
}

func readOptions(o xmlsec.Element, zone *timezone.Zone, q *availability.Query) error {
	if err := order(o, nsTypes+" TimeWindow", nsTypes+" MergedFreeBusyIntervalInMinutes", nsTypes+" RequestedView"); err != nil {
		return err
	}
	w := o.Child(nsTypes, "TimeWindow")
	var err error
	if q.Window.Start, err = readDateTime(w, "StartTime", zone); err != nil {
		return err
	}
	if q.Window.End, err = readDateTime(w, "EndTime", zone); err != nil {
		return err
	}
	if e := o.Child(nsTypes, "MergedFreeBusyIntervalInMinutes"); !e.IsZero() {
		n, err := readInt(e)
		if err != nil {
			return err
		}
		if n < 5 || n > 1440 {
			return fault.Because(fault.InvalidMergedFreeBusyInterval, nil)
		}
		q.MergedInterval = time.Duration(n) * time.Minute
	}
	q.View = availability.FreeBusy
	if e := o.Child(nsTypes, "RequestedView"); !e.IsZero() {
		text, err := textOf(e)
		if err != nil {
			return err
		}
		q.View = availability.ViewNone
		for name := range strings.FieldsSeq(text) { // a list of flags: the fullest one counts
			v, ok := availability.ParseView(name)
			if !ok {
				return soap.Schema(e, fmt.Sprintf("The RequestedView '%.40s' is not known.", name))
			}
			q.View = max(q.View, v)
		}
	}
	if q.View == availability.ViewNone {
		return fault.Because(fault.InvalidFreeBusyViewType, nil)
	}
	return nil
}

func readInt(e xmlsec.Element) (int, error) {
	text, err := textOf(e)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0, soap.Schema(e, fmt.Sprintf("The value '%.40s' of %s is not an integer.", text, e.Local()))
	}
	return int(n), nil
}

// farYear is an xs:dateTime before the year 1 or after the year 9999.
var farYear = regexp.MustCompile(`^(-\d{4,}|\d{5,})-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?$`)

// readDateTime reads an xs:dateTime: an instant with Z or an offset, else local to zone. Fractions are dropped. Years that
// no calendar has become the first or the last instant of those that count: a window to there is too long, one there is
// empty.
func readDateTime(parent xmlsec.Element, name string, zone *timezone.Zone) (time.Time, error) {
	if zone == nil {
		return readPlaced(parent, name, nil)
	}
	return readPlaced(parent, name, zone.InstantStandard)
}

// readPlaced is readDateTime with the way in which local times become instants.
func readPlaced(parent xmlsec.Element, name string, place func(wall time.Time) time.Time) (time.Time, error) {
	e := parent.Child(nsTypes, name)
	text, err := textOf(e)
	if err != nil {
		return time.Time{}, err
	}
	if e.IsZero() {
		return time.Time{}, soap.Schema(parent, "The element '"+name+"' is missing.")
	}
	return parseDateTime(e, name, text, place)
}

// parseDateTime reads what e says under a name, in an element or an attribute.
func parseDateTime(e xmlsec.Element, name, text string, place func(wall time.Time) time.Time) (time.Time, error) {
	bad := soap.Schema(e, fmt.Sprintf("The value '%.40s' of %s is not a dateTime.", text, name))
	switch {
	case len(text) > 40:
		return time.Time{}, bad
	case farYear.MatchString(text) && text[0] == '-':
		return time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), nil
	case farYear.MatchString(text):
		return time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), nil
	}
	if t, err := time.Parse("2006-01-02T15:04:05.999999999Z07:00", text); err == nil {
		return t.UTC().Truncate(time.Second), nil
	}
	t, err := time.Parse("2006-01-02T15:04:05.999999999", text)
	if err != nil {
		return time.Time{}, bad
	}
	if place == nil {
		return time.Time{}, fault.New(fault.TimeZone, "The time zone isn't valid. %s has no offset and the request names no time zone.", name)
	}
	return place(t), nil
}
