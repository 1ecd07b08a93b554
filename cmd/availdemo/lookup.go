package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

var titles = [12]string{"", "A user names an address of another organization", "The requesting side finds federation configured",
	"It asks the gateway for tokens", "The gateway verifies both organizations", "The gateway signs, encrypts and sends the token",
	"The requesting side finds the target and sends the request", "The target receives and validates the token",
	"The target finds the organization relationship", "The target decides what may be shown",
	"The Availability Service reads the calendar", "The answer goes back to the client"}

// step is one step of one request record.
type step struct {
	N        int           `json:"n"`
	OK       bool          `json:"ok"`
	Detail   string        `json:"detail"`
	Cause    string        `json:"cause"`
	Duration time.Duration `json:"duration_ns"`
	process  string
}

type logLine struct {
	Msg             string `json:"msg"`
	ID              string `json:"id"`
	ClientRequestID string `json:"client_request_id"`
	Steps           []step `json:"steps"`
}

// lookup asks as Rita of Fabrikam for Tom of Contoso, and prints what the processes recorded. failed tells whether a
// step did not do what it must.
func (d *demo) lookup(ctx context.Context) (failed bool, err error) {
	var id [8]byte
	_, _ = rand.Read(id[:])
	requestID := hex.EncodeToString(id[:])
	asker, asked := d.fabrikam.Users[0], d.contoso.Users[0]
	fmt.Printf("\n%s asks %s for the free/busy of %s\n\n", asker.Address, d.fabrikam.EWSURL, asked.Address)
	answer, err := d.ask(ctx, requestID, asker, asked.Address)
	if err != nil {
		return false, err
	}
	steps, err := d.steps(requestID)
	if err != nil {
		return false, err
	}
	failed = printSteps(steps)
	fmt.Println()
	for _, name := range []string{"ResponseCode", "MessageText", "FreeBusyViewType", "MergedFreeBusy"} {
		m := regexp.MustCompile(`<(?:t:)?` + name + `>([^<]*)<`).FindSubmatch(answer)
		if m != nil {
			fmt.Printf("  %-17s %s\n", name, oneLine(m[1]))
		}
	}
	for _, m := range regexp.MustCompile(`<t:StartTime>([^<]*)</t:StartTime><t:EndTime>([^<]*)</t:EndTime><t:BusyType>([^<]*)<`).FindAllSubmatch(answer, -1) {
		fmt.Printf("  %s – %s  %s\n", m[1], m[2][11:], m[3])
	}
	if !bytes.Contains(answer, []byte("<ResponseCode>NoError</ResponseCode>")) {
		failed = true
	}
	return failed, nil
}

func (d *demo) ask(ctx context.Context, requestID string, asker user, asked string) ([]byte, error) {
	day := time.Now().UTC().Truncate(24 * time.Hour)
	envelope := fmt.Sprintf(`<?xml version="1.0" encoding="utf-8"?>
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages">
<s:Header><t:RequestServerVersion Version="Exchange2013"/></s:Header>
<s:Body><m:GetUserAvailabilityRequest>
<t:TimeZone><t:Bias>0</t:Bias><t:StandardTime><t:Bias>0</t:Bias><t:Time>00:00:00</t:Time><t:DayOrder>0</t:DayOrder><t:Month>0</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:StandardTime><t:DaylightTime><t:Bias>0</t:Bias><t:Time>00:00:00</t:Time><t:DayOrder>0</t:DayOrder><t:Month>0</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:DaylightTime></t:TimeZone>
<m:MailboxDataArray><t:MailboxData><t:Email><t:Address>%s</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType></t:MailboxData></m:MailboxDataArray>
<t:FreeBusyViewOptions><t:TimeWindow><t:StartTime>%s</t:StartTime><t:EndTime>%s</t:EndTime></t:TimeWindow><t:MergedFreeBusyIntervalInMinutes>30</t:MergedFreeBusyIntervalInMinutes><t:RequestedView>DetailedMerged</t:RequestedView></t:FreeBusyViewOptions>
</m:GetUserAvailabilityRequest></s:Body></s:Envelope>`, asked, day.Format("2006-01-02T15:04:05"), day.AddDate(0, 0, 1).Format("2006-01-02T15:04:05"))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.fabrikam.EWSURL, bytes.NewReader([]byte(envelope)))
	if err != nil {
		return nil, err
	}
	req.SetBasicAuth(asker.Address, asker.Password)
	req.Header.Set("Content-Type", "text/xml; charset=utf-8")
	req.Header.Set("client-request-id", requestID)
	client, err := httpsClient(d.ca)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

// oneLine is text of an answer as it is read: without references and line ends.
func oneLine(text []byte) string {
	return strings.Join(strings.Fields(html.UnescapeString(string(text))), " ")
}

// steps collects the records of the request from the logs of the three processes. Each writes its own when its part has
// been answered, which may be after the client has the whole.
func (d *demo) steps(requestID string) ([]step, error) {
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		var all []step
		finished := false
		for _, p := range []struct{ name, log string }{{"fabrikam", d.fabrikam.process.log}, {"gateway", d.path("fedgateway.log")}, {"contoso", d.contoso.process.log}} {
			records, err := readRecords(p.log, requestID)
			if err != nil {
				return nil, err
			}
			for _, r := range records {
				for _, s := range r.Steps {
					s.process = p.name
					all = append(all, s)
				}
				finished = finished || p.name == "fabrikam"
			}
		}
		late := time.Now().After(deadline)
		switch {
		case finished && (late || told(all)):
			return all, nil
		case late:
			return nil, errNoRecord
		}
	}
}

// told tells whether the steps are all there, or all before one that failed.
func told(all []step) bool {
	for n := 1; n <= 11; n++ {
		is := func(ok bool) bool {
			return slices.ContainsFunc(all, func(s step) bool { return s.N == n && s.OK == ok })
		}
		switch {
		case is(false):
			return true
		case !is(true):
			return false
		}
	}
	return true
}

func readRecords(path, requestID string) (out []logLine, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var l logLine
		if json.Unmarshal(lines.Bytes(), &l) == nil && l.Msg == "request" && l.ClientRequestID == requestID {
			out = append(out, l)
		}
	}
	return out, lines.Err()
}

// printSteps prints the steps in their order: ✓ only where a record says so, ✗ with the cause at the first that
// failed, and nothing after.
func printSteps(all []step) (failed bool) {
	for n := 1; n <= 11; n++ {
		var mine []step
		for _, s := range all {
			if s.N == n {
				mine = append(mine, s)
			}
		}
		if i := slices.IndexFunc(mine, func(s step) bool { return !s.OK }); i >= 0 {
			fmt.Printf("✗ %2d  %s\n       %s: %s\n", n, titles[n], mine[i].process, mine[i].Cause)
			return true
		}
		if len(mine) == 0 {
			fmt.Printf("✗ %2d  %s\n       no process has recorded it\n", n, titles[n])
			return true
		}
		fmt.Printf("✓ %2d  %s\n", n, titles[n])
		for _, s := range mine {
			fmt.Println(wrapped(fmt.Sprintf("%s: %s  [%s]", s.process, s.Detail, s.Duration.Round(10*time.Microsecond))))
		}
	}
	return false
}

// wrapped breaks a line between words so that a terminal of 100 columns shows it, indented under its step.
func wrapped(text string) string {
	const indent, width = "       ", 100
	var b strings.Builder
	column := 0
	for word := range strings.FieldsSeq(text) {
		switch {
		case column == 0:
			b.WriteString(indent)
			column = len(indent)
		case column+1+len(word) > width:
			b.WriteString("\n" + indent + "  ")
			column = len(indent) + 2
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String()
}
