package doctor

import (
	"context"
	"strings"
)

func ewsChecks() []check {
	return []check{
		{id: "EWS-01", title: "The partner's servers can be connected to", direction: Both,
			cause: "A firewall stands in between, or nothing listens there.",
			fix:   "Open TCP 443 from this server to the host, and ask the partner whether it listens.",
			run:   symptom("EWS-01", atAutodiscover, atEWS, ownAutodiscover)},
		{id: "EWS-02", title: "Connections are not cut", direction: Both,
			cause: "The connection is accepted and then closed: the partner, or something in between, filters by source address.",
			fix:   "Give the partner the public address from which this server goes out, for its allow-list.",
			run:   symptom("EWS-02", atAutodiscover, atEWS, ownAutodiscover)},
		{id: "EWS-03", title: "The external URL of EWS leads to EWS", direction: Both,
			cause: "ExternalEwsUrl is wrong, or the host or the path is not published.",
			fix:   "On the side that is asked: the right URL in availd url set --ews-external, and /EWS/Exchange.asmx/wssecurity published under it.",
			run:   checkExternalURL},
		{id: "EWS-04", title: "EWS does not redirect", direction: Both,
			cause: "TargetSharingEpr or ExternalEwsUrl points to something else, a login page most often. Exchange says: Object moved.",
			fix:   "The URL of EWS itself, https://HOST/EWS/Exchange.asmx.",
			run:   symptom("EWS-04", atEWS, ownEWS)},
		{id: "EWS-05", title: "What answers is SOAP", direction: Out,
			cause: "Something else than the service answers: the error page of a proxy, or a web application firewall.",
			fix:   "The partner: pass the answers of the service unchanged, errors too.",
			run:   symptom("EWS-05", atAutodiscover, atEWS)},
		{id: "EWS-06", title: "The service is in operation", direction: Both,
			cause: "The service behind the proxy is stopped, overloaded, or slower than the proxy waits.",
			fix:   "The side that is asked: look at the service's health and the proxy's timeouts (60 s at least).",
			run:   symptom("EWS-06", atAutodiscover, atEWS, ownAutodiscover, ownEWS)},
		{id: "EWS-07", title: "Answers come in time", direction: Both,
			cause: "The gateway, Autodiscover or EWS is slow or does not answer at all.",
			fix:   "The leg that takes the time is in the evidence: look there.",
			run:   checkSpeed},
		{id: "EWS-08", title: "The answer is not too big", direction: Out,
			cause: "The mailbox has more entries in the time asked for than the partner answers at once.",
			fix:   "Ask for a shorter time; availd halves the window by itself.",
			run:   symptom("EWS-08", atEWS)},
		{id: unknownCase, title: "A lookup leads through", direction: Both,
			cause: "The lookup fails in a way that is none of the known cases.",
			fix:   "The evidence names the leg and its error; the log of the side that is asked has the cause under the same time.",
			run:   checkLookup},
	}
}

// checkLookup tells of a way that broke with none of the known cases.
func checkLookup(ctx context.Context, x *examination) verdict {
	if v := x.look(ctx, unknownCase); v.severity == Fail {
		return v
	}
	var parts []string
	for _, w := range x.ways(ctx) {
		l, id, broken := w.broken()
		switch {
		case w.unbegun != nil:
			return skip("%v", w.unbegun)
		case broken:
			return skip("it ends with %s at %s", id, l.place)
		}
		parts = append(parts, w.String())
	}
	return pass("%s", strings.Join(parts, "; "))
}

func checkExternalURL(ctx context.Context, x *examination) verdict {
	v := x.look(ctx, "EWS-03", atEWS, ownEWS)
	if v.severity != Pass || x.o.Direction&In == 0 {
		return v
	}
	for _, l := range x.inbound(ctx).legs {
		if e, ok := x.wire.last(l.url); ok && l.place == ownEWS && e.Status != 0 && !e.product {
			return fail("%s is answered, and not by this product (Server: %s)", l.url, orNone(e.Server))
		}
	}
	return v
}

func checkSpeed(ctx context.Context, x *examination) verdict {
	if v := x.look(ctx, "EWS-07"); v.severity == Fail {
		return v
	}
	var parts []string
	slow := false
	for _, w := range x.ways(ctx) {
		if len(w.legs) > 0 {
			parts = append(parts, w.String())
		}
		for _, l := range w.legs {
			slow = slow || l.took > slowLeg
		}
	}
	switch {
	case len(parts) == 0:
		return skip("no way could be gone")
	case slow:
		return warn("%s", strings.Join(parts, "; "))
	}
	return pass("%s", strings.Join(parts, "; "))
}
