package admin

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/icalendar"
	"github.com/availd/availd/mailbox/recurrence"
	"github.com/availd/availd/smtpaddr"
)

// ImportParams is one source of calendar objects for one mailbox.
type ImportParams struct {
	Mailbox  smtpaddr.Address
	Source   store.ImportSource
	Name     string                         // of the source, for messages and the audit
	Replace  bool                           // remove what the source does not have
	DryRun   bool                           // check only; nothing is kept
	Progress func(objects, occurrences int) // may be nil
}

// ImportCalendar takes all that the source holds, or nothing.
func (a *Admin) ImportCalendar(ctx context.Context, p ImportParams) (store.ImportResult, error) {
	m, err := a.Mailbox(ctx, p.Mailbox)
	if err != nil {
		return store.ImportResult{}, err
	}
	var res store.ImportResult
	if p.DryRun {
		res, err = a.checkCalendar(ctx, m, p.Source)
	} else {
		detail := changes(nil, struct {
			File    string
			Replace bool
		}{p.Name, p.Replace})
		res, err = a.Store.ImportCalendar(a.audited(ctx, "mailbox import", m.Address.String(), detail), m.Address, p.Source, store.ImportOptions{Replace: p.Replace, Progress: p.Progress})
	}
	if err == nil {
		return res, nil
	}
	e := fault.As(problem(err))
	kind := e.Kind
	if _, ok := errors.AsType[*icalendar.Error](err); ok || errors.Is(err, recurrence.ErrLimit) {
		kind = fault.Invalid
	}
	return store.ImportResult{}, &fault.Error{Kind: kind, Message: fmt.Sprintf("%s: nothing was imported: %s", p.Name, e.Text()), Cause: err}
}

// checkCalendar does with each object what an import does before it writes.
func (a *Admin) checkCalendar(ctx context.Context, m *mailbox.Mailbox, src store.ImportSource) (store.ImportResult, error) {
	return store.Stage(ctx, src, m, store.Horizon(a.Now()), nil, func([]*store.Prepared) error { return nil })
}

// ExportCalendar writes the calendar's objects as they were put.
func (a *Admin) ExportCalendar(ctx context.Context, address smtpaddr.Address, w io.Writer) error {
	return problem(a.Store.ExportCalendar(ctx, address, w))
}
