package cli

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/timezone"
)

const (
	axisWidth   = 72 // most columns of the time axis
	nameWidth   = 30
	colourReset = "\x1b[0m"
)

// marks are the characters of a slot by the digit of MergedFreeBusy ([MS-OXWAVLS] 2.2.4.x), with their colours.
var marks = [...]struct {
	char   rune
	colour string
	name   string
}{{'·', "", "free"}, {'░', "\x1b[36m", "tentative"}, {'█', "\x1b[34m", "busy"}, {'▓', "\x1b[35m", "out of office"}, {'?', "\x1b[33m", "no data"}}

const (
	outsideHours = ' ' // free, and nobody works
	outsideName  = "outside working hours"
)

// picture draws mailboxes as rows on one time axis.
type picture struct {
	out     io.Writer
	q       availability.Query
	slot    time.Duration // of one column
	columns int
	name    int // width of the names
	colour  bool
}

func newPicture(out io.Writer, q availability.Query) *picture {
	p := &picture{out: out, q: q, slot: q.MergedInterval}
	length := q.Window.End.Sub(q.Window.Start)
	for (length+p.slot-1)/p.slot > axisWidth {
		p.slot *= 2
	}
	p.columns = int((length + p.slot - 1) / p.slot)
	for _, m := range q.Mailboxes {
		p.name = max(p.name, min(nameWidth, utf8.RuneCountInString(m.Address.String())))
	}
	f, ok := out.(*os.File)
	p.colour = ok && term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == ""
	return p
}

func (p *picture) draw(results []availability.Result) {
	from, until := p.q.Zone.Wall(p.q.Window.Start), p.q.Zone.Wall(p.q.Window.End)
	fmt.Fprintf(p.out, "%s – %s (%s)\n\n", from.Format("Mon 2006-01-02 15:04"), until.Format("Mon 2006-01-02 15:04"), p.q.Zone.Name())
	fmt.Fprintf(p.out, "%-*s  %s\n", p.name, "", p.axis())
	for i, r := range results {
		p.row(p.q.Mailboxes[i].Address.String(), r)
	}
	fmt.Fprintf(p.out, "\n%*s  %s\n", p.name, "", p.legend())
	for i, r := range results {
		p.details(p.q.Mailboxes[i].Address.String(), r)
	}
}

// axis writes the hour, or the day where a column is long, above the column in which it begins.
func (p *picture) axis() string {
	line := []rune(strings.Repeat(" ", p.columns))
	free := 0 // first column without a label
	for i := range line {
		wall := p.q.Zone.Wall(p.at(i))
		before := p.q.Zone.Wall(p.at(i - 1))
		label := ""
		switch {
		case wall.YearDay() != before.YearDay() && p.columns*int(p.slot/time.Minute) > 24*60:
			label = wall.Format("Mon2")
		case wall.Hour() != before.Hour() && p.slot < 3*time.Hour:
			label = wall.Format("15")
		}
		if label == "" || i < free || i+len(label) > len(line) {
			continue
		}
		copy(line[i:], []rune(label))
		free = i + len(label) + 1
	}
	return strings.TrimRight(string(line), " ")
}

func (p *picture) at(column int) time.Time {
	return p.q.Window.Start.Add(time.Duration(column) * p.slot)
}

func (p *picture) row(name string, r availability.Result) {
	if runes := []rune(name); len(runes) > nameWidth {
		name = string(runes[:nameWidth-1]) + "…"
	}
	if r.Err != nil {
		fmt.Fprintf(p.out, "%-*s  %s\n", p.name, name, plain(r.Err))
		return
	}
	fmt.Fprintf(p.out, "%-*s  ", p.name, name)
	works := workingHours(r.View)
	for i := range p.columns {
		digit := p.digit(r.View, i)
		char, colour := marks[digit].char, marks[digit].colour
		if digit == 0 && !works(p.at(i)) {
			char = outsideHours
		}
		if p.colour && colour != "" {
			fmt.Fprint(p.out, colour, string(char), colourReset)
		} else {
			fmt.Fprint(p.out, string(char))
		}
	}
	fmt.Fprintln(p.out)
}

// digit is the highest status within a column, from the merged digits, else from the entries.
func (p *picture) digit(v availability.FreeBusyView, column int) (d int) {
	from, until := p.at(column), p.at(column+1)
	if v.Merged == "" {
		for _, e := range v.Events {
			if e.Start.Before(until) && e.End.After(from) && e.BusyType != mailbox.WorkingElsewhere {
				d = max(d, int(e.BusyType))
			}
		}
		return d
	}
	per := int(p.slot / p.q.MergedInterval)
	for i := column * per; i < min((column+1)*per, len(v.Merged)); i++ {
		d = max(d, min(int(v.Merged[i]-'0'), len(marks)-1))
	}
	return d
}

// workingHours tells whether the mailbox's working hours hold at a time; always, where the answer does not bring them.
func workingHours(v availability.FreeBusyView) func(t time.Time) bool {
	zone, err := timezone.FromSerializable(v.WorkingZone)
	if v.WorkingHours == nil || err != nil {
		return func(time.Time) bool { return true }
	}
	return func(t time.Time) bool {
		wall := zone.Wall(t)
		minute := wall.Hour()*60 + wall.Minute()
		return slices.ContainsFunc(v.WorkingHours.Periods, func(w mailbox.WorkingPeriod) bool {
			return slices.Contains(w.Days, wall.Weekday()) && minute >= w.Start && minute < w.End
		})
	}
}

func (p *picture) legend() string {
	var parts []string
	for _, m := range marks {
		char := string(m.char)
		if p.colour && m.colour != "" {
			char = m.colour + char + colourReset
		}
		parts = append(parts, char+" "+m.name)
	}
	return strings.Join(parts, "  ") + "  blank: " + outsideName
}

func (p *picture) details(name string, r availability.Result) {
	if r.Err != nil || len(r.View.Events) == 0 {
		return
	}
	fmt.Fprintf(p.out, "\n%s\n", name)
	for _, e := range r.View.Events {
		from, until := p.q.Zone.Wall(e.Start), p.q.Zone.Wall(e.End)
		layout := "15:04"
		if from.YearDay() != until.YearDay() || from.Year() != until.Year() {
			layout = "2006-01-02 15:04"
		}
		line := fmt.Sprintf("  %s – %s  %-16s %s", from.Format("Mon 2006-01-02 15:04"), until.Format(layout), e.BusyType, e.Subject)
		if e.Location != "" {
			line += " (" + e.Location + ")"
		}
		fmt.Fprintln(p.out, strings.TrimRight(line, " "))
	}
}

// plain says in an administrator's words why a mailbox was not answered, and Exchange's code to search for.
func plain(err error) string {
	e := fault.As(err)
	words := map[fault.Kind]string{
		fault.NoFreeBusyAccess:         "no access: the relationship or the owner does not grant it",
		fault.MailRecipientNotFound:    "no such mailbox, or its organization cannot be asked",
		fault.AddressSpaceNotFound:     "no organization relationship has this domain",
		fault.RelationshipUnusable:     "the organization relationship is off or incomplete",
		fault.AutodiscoverFailed:       "the partner's Autodiscover did not say where to ask",
		fault.ProxyRequestFailed:       "the partner could not be asked",
		fault.Timeout:                  "the partner did not answer in time",
		fault.FreeBusyGenerationFailed: "the calendar cannot be read",
		fault.ResultSetTooBig:          "too many calendar entries in this window",
	}
	if s, ok := words[e.Kind]; ok {
		return fmt.Sprintf("%s (%s)", s, e.Kind.Row().EWS)
	}
	return fmt.Sprintf("%s (%s)", e.Text(), e.Kind.Row().EWS)
}
