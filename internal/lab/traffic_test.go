package lab_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/lab"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

const (
	everySoOften = 20 * time.Millisecond // 50 lookups a second
	keptEvery    = 5                     // lookups, one request with a token from before
	inFlight     = 24                    // so that a slow machine has fewer lookups a second, and not longer ones
	digitsAtNine = "<t:MergedFreeBusy>000000000200000000000000</t:MergedFreeBusy>"
	opGetAvail   = "http://schemas.microsoft.com/exchange/services/2006/messages/GetUserAvailability"
)

// direction is who asks and who is asked.
type direction struct {
	from, to *lab.Organization
	asked    smtpaddr.Address

	mu   sync.Mutex
	kept *federation.DelegationToken
}

// traffic asks in both directions in turn, each time as a user whom nobody has seen before, so that each lookup has a
// token of its own; and beside that with tokens that are kept.
type traffic struct {
	l          *lab.Lab
	client     *http.Client
	directions []*direction
	stop       func() // waits for the last answer

	mu                     sync.Mutex
	lookups, withKept      int
	refused                []string       // what came instead of the answer, or what the records of the asked side say
	issuers, organizations map[string]int // tokens verified and decrypted, by key
}

func newTraffic(t *testing.T, l *lab.Lab) *traffic {
	t.Helper()
	tr := &traffic{l: l, issuers: map[string]int{}, organizations: map[string]int{},
		client: &http.Client{Transport: &http.Transport{TLSClientConfig: l.TLS(), MaxIdleConnsPerHost: inFlight}}}
	for _, d := range []*direction{{from: l.Fabrikam, to: l.Contoso}, {from: l.Contoso, to: l.Fabrikam}} {
		d.asked = l.User(t, d.to, "asked", mailbox.Reviewer, busy(9))
		d.to.Log.Listen(tr.record)
		tr.directions = append(tr.directions, d)
	}
	tr.keepTokens(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); tr.run(ctx) }()
	tr.stop = func() { cancel(); <-done }
	t.Cleanup(tr.stop)
	return tr
}

// keepTokens gets the tokens that the stream beside the lookups keeps.
func (tr *traffic) keepTokens(t *testing.T) {
	t.Helper()
	for _, d := range tr.directions {
		c := &federation.Client{Trusts: staticTrust{d.from}, Now: time.Now, HTTP: func(*federation.Trust) (*http.Client, error) { return tr.client, nil }}
		tok, err := c.DelegationToken(t.Context(), federation.TokenRequest{User: smtpaddr.MustAddress("kept@" + d.from.Domain.String()),
			TargetApplicationUri: d.to.Trust.ApplicationUri, Action: orgrel.ActionFreeBusy})
		must(t, err)
		d.mu.Lock()
		d.kept = tok
		d.mu.Unlock()
	}
}

func (tr *traffic) run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	places := make(chan struct{}, inFlight)
	start := time.Now()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(start.Add(time.Duration(n) * everySoOften))): // a busy machine catches up
		}
		d := tr.directions[n%2]
		requests := []func() (string, error){func() (string, error) { return tr.lookup(d, n) }}
		if n%keptEvery == 0 {
			requests = append(requests, func() (string, error) { return tr.withToken(d) })
		}
		for i, request := range requests {
			places <- struct{}{}
			wg.Go(func() {
				defer func() { <-places }()
				body, err := request()
				tr.answered(i > 0, body, err)
			})
		}
	}
}

func (tr *traffic) answered(kept bool, body string, err error) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if kept {
		tr.withKept++
	} else {
		tr.lookups++
	}
	if err != nil || !strings.Contains(body, digitsAtNine) {
		tr.refused = append(tr.refused, fmt.Sprintf("%v %.1000s", err, answerOrFault(body)))
	}
}

// answerOrFault is the part of an answer that says why it is none.
func answerOrFault(body string) string {
	for _, mark := range []string{"<MessageText>", "<ResponseCode>", "<faultstring"} {
		if i := strings.Index(body, mark); i >= 0 {
			return body[i:]
		}
	}
	return body
}

// cheapHash is a password hash that costs next to nothing: the load is meant for tokens.
func cheapHash() string {
	salt, enc := []byte("a salt of 16 byt"), base64.RawStdEncoding
	return "$argon2id$v=19$m=8,t=1,p=1$" + enc.EncodeToString(salt) + "$" + enc.EncodeToString(argon2.IDKey([]byte(lab.Password), salt, 1, 8, 1, 32))
}

// lookup is a whole one: a new own user asks her organization, which gets a token and asks the partner.
func (tr *traffic) lookup(d *direction, n int) (string, error) {
	user := smtpaddr.MustAddress(fmt.Sprintf("new%d@%s", n, d.from.Domain))
	// the test's context has ended when the last ones are on their way
	if err := d.from.Store.CreateMailbox(context.Background(), &mailbox.Mailbox{Address: user, Zone: "UTC", WorkingHours: mailbox.DefaultWorkingHours(), PasswordHash: cheapHash()}); err != nil {
		return "", err
	}
	r, err := http.NewRequest(http.MethodPost, d.from.URL+"/EWS/Exchange.asmx", strings.NewReader(request("MergedOnly", d.asked.String()))) //nolint:noctx // see above
	if err != nil {
		return "", err
	}
	r.SetBasicAuth(user.String(), lab.Password)
	return tr.do(r)
}

// withToken asks the partner with the kept token.
func (tr *traffic) withToken(d *direction) (string, error) {
	d.mu.Lock()
	tok := d.kept
	d.mu.Unlock()
	to := d.to.URL + "/EWS/Exchange.asmx/wssecurity"
	headers, err := tok.Headers(to, opGetAvail, time.Now())
	if err != nil {
		return "", err
	}
	r, err := http.NewRequest(http.MethodPost, to, bytes.NewReader(soap.Append(nil, soap.V11, "", headers, []byte(payload("MergedOnly", d.asked.String()))))) //nolint:noctx // as above
	if err != nil {
		return "", err
	}
	return tr.do(r)
}

func (tr *traffic) do(r *http.Request) (string, error) {
	r.Header.Set("Content-Type", soapType)
	resp, err := tr.client.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}

// record reads what the asked side writes of a request. A refusal counts there too: the asking side tries once more with a
// fresh token, and would hide it.
func (tr *traffic) record(line []byte) {
	var r struct {
		Msg             string `json:"msg"`
		Refused         string `json:"refused"`
		IssuerKey       string `json:"issuer_key"`
		OrganizationKey string `json:"organization_key"`
		Cached          bool   `json:"token_cached"`
	}
	if json.Unmarshal(line, &r) != nil || r.Msg != "request" {
		return
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if r.Refused != "" {
		tr.refused = append(tr.refused, string(line))
	}
	if r.IssuerKey != "" && !r.Cached {
		tr.issuers[r.IssuerKey]++
		tr.organizations[r.OrganizationKey]++
	}
}
