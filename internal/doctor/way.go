package doctor

import (
	"context"
	"fmt"
	"strings"
	"time"
)

const (
	userAgent = "availd-doctor"

	patience = 20 * time.Second
	// slowLeg is what makes a lookup feel broken: mail programs give up after half a minute for all of it.
	slowLeg = 5 * time.Second

	actionUserSettings     = "http://schemas.microsoft.com/exchange/2010/Autodiscover/Autodiscover/GetUserSettings"
	actionUserAvailability = "http://schemas.microsoft.com/exchange/services/2006/messages/GetUserAvailability"
)

// leg is one question on the way of a lookup, asked as a lookup asks it.
type leg struct {
	place place
	what  string // what was asked
	url   string
	took  time.Duration
	err   error
}

// String is the leg as evidence.
func (l leg) String() string {
	said := "answered"
	if l.err != nil {
		said = causeText(l.err)
	}
	return fmt.Sprintf("%s at %s (%s): %s, after %s", l.what, l.place, l.url, said, l.took.Round(time.Millisecond))
}

// way is the legs of a lookup in their order; it ends at the first that fails.
type way struct {
	patience time.Duration
	legs     []leg
	unbegun  error // why there is no way at all
}

// broken is the leg that failed and its case; ok is false on a way that leads through.
func (w way) broken() (l leg, id string, ok bool) {
	if len(w.legs) == 0 || w.legs[len(w.legs)-1].err == nil {
		return l, "", false
	}
	l = w.legs[len(w.legs)-1]
	return l, caseOf(l.place, l.err), true
}

// reached tells whether the way got to a place, and of the last leg there.
func (w way) reached(p place) (l leg, ok bool) {
	for _, at := range w.legs {
		if at.place == p {
			l, ok = at, true
		}
	}
	return l, ok
}

// String is the way with the time of every leg.
func (w way) String() string {
	var parts []string
	for _, l := range w.legs {
		parts = append(parts, fmt.Sprintf("%s %s", l.what, l.took.Round(time.Millisecond)))
	}
	return strings.Join(parts, ", ")
}

// ask puts one question within its time and notes how it went.
func (w *way) ask(ctx context.Context, p place, what, url string, question func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, w.patience)
	defer cancel()
	start := time.Now()
	err := question(ctx)
	w.legs = append(w.legs, leg{p, what, url, time.Since(start), err})
	return err
}

// ways are those of the examination's direction.
func (x *examination) ways(ctx context.Context) []way {
	var out []way
	if x.o.Direction&Out != 0 {
		out = append(out, x.outbound(ctx))
	}
	if x.o.Direction&In != 0 {
		out = append(out, x.inbound(ctx))
	}
	return out
}

// symptom is a check that looks for one case on the ways: it fails where a way broke with it.
func symptom(id string, places ...place) func(ctx context.Context, x *examination) verdict {
	return func(ctx context.Context, x *examination) verdict { return x.look(ctx, id, places...) }
}

func (x *examination) look(ctx context.Context, id string, places ...place) verdict {
	var passed, missed []string
	for _, w := range x.ways(ctx) {
		l, found, broken := w.broken()
		if broken && found == id {
			return fail("%s", l)
		}
		for _, p := range places {
			at, ok := w.reached(p)
			switch {
			case ok && at.err != nil:
				passed = append(passed, fmt.Sprintf("%s at %s ended with %s", at.what, p, found))
			case ok:
				passed = append(passed, at.String())
			case w.unbegun != nil:
				missed = append(missed, w.unbegun.Error())
			case broken && l.place < p && sameSide(l.place, p):
				missed = append(missed, fmt.Sprintf("%s was not reached: %s", p, found))
			}
		}
	}
	switch {
	case len(passed) > 0:
		return pass("%s", strings.Join(passed, "; "))
	case len(missed) > 0:
		return skip("%s", missed[0])
	}
	return skip("this way was not gone")
}

func sameSide(a, b place) bool { return (a >= ownAutodiscover) == (b >= ownAutodiscover) }
