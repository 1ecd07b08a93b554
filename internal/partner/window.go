package partner

import (
	"context"
	"errors"
	"time"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/internal/fault"
)

// maxWindow is the longest window that every server observed answers (EWS reference).
const maxWindow = 42 * 24 * time.Hour

// errPieces is an answer that cannot be joined.
var errPieces = errors.New("the answer is not what was asked: two pieces of a window differ in their view")

// ask puts one question to one endpoint.
type ask func(ctx context.Context, q availability.Query) ([]availability.Result, error)

// whole asks for a window of any length: in pieces that every server answers, cut on the grid of the intervals so that
// their digits join. A mailbox whose piece holds too many entries is asked for its halves, once.
func (a ask) whole(ctx context.Context, q availability.Query) ([]availability.Result, error) {
	if q.MergedInterval == 0 {
		q.MergedInterval = 30 * time.Minute
	}
	var out []availability.Result
	for i, w := range cut(q.Window, q.MergedInterval, maxWindow) {
		piece := q
		piece.Window = w
		results, err := a(ctx, piece)
		if err != nil {
			return nil, err
		}
		if err := a.halve(ctx, piece, results); err != nil {
			return nil, err
		}
		if i == 0 {
			out = results
			continue
		}
		for k := range out {
			out[k] = join(out[k], results[k], w.Start)
		}
	}
	return out, nil
}

// halve asks again, in two halves, for the mailboxes whose result is too big.
func (a ask) halve(ctx context.Context, q availability.Query, results []availability.Result) error {
	var positions []int
	half := q
	half.Mailboxes = nil
	for k, r := range results {
		if r.Err != nil && fault.KindOf(r.Err) == fault.ResultSetTooBig {
			positions, half.Mailboxes = append(positions, k), append(half.Mailboxes, q.Mailboxes[k])
		}
	}
	slots := int(q.Window.End.Sub(q.Window.Start) / q.MergedInterval)
	if len(positions) == 0 || slots < 2 {
		return nil
	}
	seam := q.Window.Start.Add(time.Duration(slots/2) * q.MergedInterval)
	half.Window = availability.Window{Start: q.Window.Start, End: seam}
	first, err := a(ctx, half)
	if err != nil {
		return err
	}
	half.Window = availability.Window{Start: seam, End: q.Window.End}
	second, err := a(ctx, half)
	if err != nil {
		return err
	}
	for i, k := range positions {
		results[k] = join(first[i], second[i], seam)
	}
	return nil
}

// cut divides w into pieces of at most longest whose seams lie on the grid of interval.
func cut(w availability.Window, interval, longest time.Duration) (out []availability.Window) {
	step := longest.Truncate(interval)
	for start := w.Start; start.Before(w.End); start = start.Add(step) {
		end := start.Add(step)
		if end.After(w.End) {
			end = w.End
		}
		out = append(out, availability.Window{Start: start, End: end})
	}
	return out
}

// join puts two neighbouring pieces of one mailbox together. An entry that crosses the seam came with both; working hours
// are the first piece's.
func join(a, b availability.Result, seam time.Time) availability.Result {
	switch {
	case a.Err != nil:
		return a
	case b.Err != nil:
		return b
	case a.View.Type != b.View.Type:
		return availability.Result{Err: errPieces}
	}
	a.View.Merged += b.View.Merged
	for _, e := range b.View.Events {
		if !e.Start.Before(seam) {
			a.View.Events = append(a.View.Events, e)
		}
	}
	if a.View.WorkingHours == nil {
		a.View.WorkingHours, a.View.WorkingZone = b.View.WorkingHours, b.View.WorkingZone
	}
	return a
}
