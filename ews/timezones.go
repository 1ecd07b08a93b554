package ews

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/mailbox/timezone"
	"github.com/availd/availd/orgrel"
)

// getServerTimeZones answers m:GetServerTimeZones (EWS reference): the zones of the Windows names asked, or all, with
// full data unless only names are wanted. A name that does not exist is left out, and one that is asked again too: some
// zones have 37 KB. Rules do not change while the program runs, so nothing is computed twice.
func (h *Handler) getServerTimeZones(_ context.Context, env *soap.Envelope, _ orgrel.Requester) ([]byte, error) {
	req := env.Payload
	full := true
	if v, ok := req.Attr("ReturnFullTimeZoneData"); ok {
		full = v == "true" || v == "1"
	}
	names := timezone.WindowsNames()
	if ids := req.Child(nsMessages, "Ids"); !ids.IsZero() {
		names = nil
		for e := range ids.Children() {
			name, err := textOf(e)
			if err != nil {
				return nil, err
			}
			if name = strings.ToLower(name); slices.Contains(names, name) {
				continue
			}
			if names = append(names, name); len(names) > 1000 {
				return nil, soap.Schema(e, "There are too many Ids.")
			}
		}
	}
	dst := []byte(`<GetServerTimeZonesResponse xmlns="` + nsMessages + `" xmlns:t="` + nsTypes + `"><ResponseMessages>`)
	dst = append(appendStatus(dst, "GetServerTimeZonesResponseMessage", nil), "<TimeZoneDefinitions>"...)
	for _, name := range names {
		if text, ok := definitions()[strings.ToLower(name)]; ok && full {
			dst = append(dst, text().full...)
		} else if ok {
			dst = append(dst, text().name...)
		}
	}
	return append(dst, "</TimeZoneDefinitions></GetServerTimeZonesResponseMessage></ResponseMessages></GetServerTimeZonesResponse>"...), nil
}

// definitionText is a t:TimeZoneDefinition as it goes over the wire, with its rules and without.
type definitionText struct{ full, name []byte }

// definitions has the zones by their Windows names in lower case. Each is written the first time that it is asked for.
var definitions = sync.OnceValue(func() map[string]func() definitionText {
	m := map[string]func() definitionText{}
	for _, name := range timezone.WindowsNames() {
		m[strings.ToLower(name)] = sync.OnceValue(func() (text definitionText) {
			if d, ok := timezone.Describe(name); ok {
				text = definitionText{appendDefinition(nil, d, true), appendDefinition(nil, d, false)}
			}
			return text
		})
	}
	return m
})

func attr(dst []byte, name, value string) []byte {
	dst = append(append(append(dst, ' '), name...), `="`...)
	return append(xmlsec.AppendAttr(dst, value), '"')
}

func appendDefinition(dst []byte, d timezone.Definition, full bool) []byte {
	dst = append(attr(attr(append(dst, "<t:TimeZoneDefinition"...), "Id", d.ID), "Name", d.Name), '>')
	if full {
		dst = append(dst, "<t:Periods>"...)
		for _, p := range d.Periods {
			dst = append(dst, "<t:Period"...)
			dst = append(attr(attr(attr(dst, "Bias", xsdDuration(p.Bias)), "Name", p.Name), "Id", p.ID), "></t:Period>"...)
		}
		dst = append(dst, "</t:Periods><t:TransitionsGroups>"...)
		for _, g := range d.Groups {
			dst = append(attr(append(dst, "<t:TransitionsGroup"...), "Id", g.ID), '>')
			for _, t := range g.Transitions {
				dst = appendTransition(dst, t)
			}
			dst = append(dst, "</t:TransitionsGroup>"...)
		}
		dst = append(dst, "</t:TransitionsGroups><t:Transitions>"...)
		for _, t := range d.Transitions {
			dst = appendTransition(dst, t)
		}
		dst = append(dst, "</t:Transitions>"...)
	}
	return append(dst, "</t:TimeZoneDefinition>"...)
}

// appendTransition writes the kinds that timezone.Describe makes.
func appendTransition(dst []byte, t timezone.Transition) []byte {
	name, kind := "Transition", "Period"
	switch t.Kind {
	case timezone.TransitionAbsoluteDate:
		name = "AbsoluteDateTransition"
	case timezone.TransitionRecurringDay:
		name = "RecurringDayTransition"
	}
	if t.ToGroup {
		kind = "Group"
	}
	dst = append(dst, "<t:"+name+`><t:To Kind="`+kind+`">`...)
	dst = append(xmlsec.AppendText(dst, t.To), "</t:To>"...)
	switch t.Kind {
	case timezone.TransitionAbsoluteDate:
		dst = append(dst, "<t:DateTime>"+t.DateTime.Format(wallTime)+"</t:DateTime>"...)
	case timezone.TransitionRecurringDay:
		dst = append(dst, "<t:TimeOffset>"+xsdDuration(t.TimeOffset)+"</t:TimeOffset>"...)
		dst = appendInt(dst, "Month", int(t.Month))
		dst = append(dst, "<t:DayOfWeek>"+t.DayOfWeek.String()+"</t:DayOfWeek>"...)
		dst = appendInt(dst, "Occurrence", t.Occurrence)
	}
	return append(dst, "</t:"+name+">"...)
}

// xsdDuration writes hours and minutes.
func xsdDuration(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	return fmt.Sprintf("%sPT%dH%dM", sign, int(d/time.Hour), int(d/time.Minute)%60)
}
