package server

import (
	"context"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/availd/availd/internal/limit"
	"github.com/availd/availd/internal/record"
)

// refusedLines is how many log lines a second one kind of refusal may have (T76).
const refusedLines = 10

// maxAgent is how much of a User-Agent header is worth a place in the log, in bytes.
const maxAgent = 200

// requestLog writes one line for each request. Refused requests cost their sender nothing, so that those of one kind
// (endpoint, status, code) have few lines a second; the next line that is written tells how many were left out.
type requestLog struct {
	log     *slog.Logger
	now     func() time.Time
	refused *limit.Budgets
	left    atomic.Int64 // lines left out since the last one
}

func newRequestLog(log *slog.Logger, now func() time.Time) *requestLog {
	return &requestLog{log: log, now: now, refused: limit.NewBudgets(refusedLines, time.Second, refusedLines)}
}

func (l *requestLog) write(ctx context.Context, endpoint string, status int, rec *record.Record) {
	if status >= 400 {
		kind := endpoint + " " + strconv.Itoa(status) + " " + rec.Attrs()["code"].String()
		if !l.refused.Take(kind, l.now()) {
			l.left.Add(1)
			return
		}
	}
	if n := l.left.Swap(0); n > 0 {
		rec.Set(slog.Int64("refusals_not_logged", n))
	}
	l.log.LogAttrs(context.WithoutCancel(ctx), slog.LevelInfo, "request", rec.LogAttrs()...)
}
