package ews

import (
	"context"
	"fmt"
	"time"

	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/mailbox/timezone"
	"github.com/availd/availd/orgrel"
)

// getServerTimeZones answers m:GetServerTimeZones (EWS reference): the zones of the Windows names asked, or all, with
// full data unless only names are wanted. A name that does not exist is left out.
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
			if names = append(names, name); len(names) > 1000 {
				return nil, soap.Schema(e, "There are too many Ids.")
			}
		}
	}
	dst := []byte(`<GetServerTimeZonesResponse xmlns="` + nsMessages + `" xmlns:t="` + nsTypes + `"><ResponseMessages><GetServerTimeZonesResponseMessage ResponseClass="Success"><ResponseCode>NoError</ResponseCode><TimeZoneDefinitions>`)
	for _, name := range names {
		if d, ok := timezone.Describe(name, h.now()); ok {
			dst = appendDefinition(dst, d, full)
		}
	}
	return append(dst, "</TimeZoneDefinitions></GetServerTimeZonesResponseMessage></ResponseMessages></GetServerTimeZonesResponse>"...), nil
}

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

func appendTransition(dst []byte, t timezone.Transition) []byte {
	name, kind := "Transition", "Period"
	if t.Kind == timezone.TransitionRecurringDay {
		name = "RecurringDayTransition"
	}
	if t.ToGroup {
		kind = "Group"
	}
	dst = append(dst, "<t:"+name+`><t:To Kind="`+kind+`">`...)
	dst = append(xmlsec.AppendText(dst, t.To), "</t:To>"...)
	if t.Kind == timezone.TransitionRecurringDay {
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
