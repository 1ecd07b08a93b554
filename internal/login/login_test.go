package login_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/internal/login"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

var (
	errMissing = errors.New("missing")
	errBroken  = errors.New("broken")
)

// people are the users by the local part of their address, with their password hashes.
type people map[string]string

func (p people) Mailbox(_ context.Context, a smtpaddr.Address) (*mailbox.Mailbox, error) {
	if a.Local() == "broken" {
		return nil, errBroken
	}
	hash, ok := p[a.Local()]
	if !ok {
		return nil, errMissing
	}
	return &mailbox.Mailbox{Address: a, PasswordHash: hash}, nil
}

// door is a handler behind Basic authentication that says who came in.
func door(p people) http.Handler { return doorAt(p, time.Now) }

func doorAt(p people, now func() time.Time) http.Handler {
	b := &login.Basic{Mailboxes: p, Missing: func(err error) bool { return errors.Is(err, errMissing) }, Now: now}
	return b.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := login.Authenticate(r.Context(), nil)
		if err != nil || who.External {
			http.Error(w, "not logged in", http.StatusTeapot)
			return
		}
		_, _ = w.Write([]byte(who.Address.String()))
	}))
}

// knock logs in and tells whether that cost a password hash: one takes 19 MiB of memory, all else next to nothing.
func knock(t *testing.T, h http.Handler, user, password string) (answer *httptest.ResponseRecorder, hashed bool) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/EWS/Exchange.asmx", nil)
	r.SetBasicAuth(user, password)
	answer = httptest.NewRecorder()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	h.ServeHTTP(answer, r)
	runtime.ReadMemStats(&after)
	return answer, after.TotalAlloc-before.TotalAlloc >= 19<<20
}

func TestLogin(t *testing.T) {
	long := strings.Repeat("p", 1024)
	h := door(people{"tom": login.HashPassword("Tom's password"), "long": login.HashPassword(long), "none": "", "odd": "$argon2id$nonsense"})
	for _, c := range []struct {
		name, user, password string
		status               int
		hashed               bool
	}{
		{"right", "tom@contoso.example", "Tom's password", http.StatusOK, true},
		{"right, remembered", "tom@contoso.example", "Tom's password", http.StatusOK, false},
		{"right, in another case of the address", "TOM@Contoso.Example", "Tom's password", http.StatusOK, false},
		{"wrong", "tom@contoso.example", "tom's password", http.StatusUnauthorized, true},
		{"wrong again", "tom@contoso.example", "tom's password", http.StatusUnauthorized, true},
		{"empty", "tom@contoso.example", "", http.StatusUnauthorized, true},
		{"unknown user", "nobody@contoso.example", "Tom's password", http.StatusUnauthorized, true},
		{"unknown user again", "nobody@contoso.example", "Tom's password", http.StatusUnauthorized, true},
		{"unknown user, a word that a program may use for nobody", "nobody@contoso.example", "nobody", http.StatusUnauthorized, true},
		{"unknown user, that word again", "nobody@contoso.example", "nobody", http.StatusUnauthorized, true},
		{"user without a password", "none@contoso.example", "", http.StatusUnauthorized, true},
		{"a hash that is none", "odd@contoso.example", "x", http.StatusUnauthorized, false},
		{"1024 bytes", "long@contoso.example", long, http.StatusOK, true},
		{"1025 bytes", "long@contoso.example", long + "p", http.StatusUnauthorized, false},
		{"no address", "tom", "Tom's password", http.StatusUnauthorized, false},
		{"store broken", "broken@contoso.example", "Tom's password", http.StatusInternalServerError, false},
	} {
		answer, hashed := knock(t, h, c.user, c.password)
		if answer.Code != c.status || hashed != c.hashed {
			t.Errorf("%s: HTTP %d, hashed %t: %s", c.name, answer.Code, hashed, answer.Body)
		}
		if (answer.Code == http.StatusUnauthorized) != (answer.Header().Get("WWW-Authenticate") == `Basic realm="availd", charset="UTF-8"`) {
			t.Errorf("%s: HTTP %d, %v", c.name, answer.Code, answer.Header())
		}
		if c.status == http.StatusOK && !strings.EqualFold(answer.Body.String(), c.user) {
			t.Errorf("%s: came in as %s", c.name, answer.Body)
		}
	}
}

func TestNewPasswordEndsTheOldOneAtOnce(t *testing.T) {
	p := people{"tom": login.HashPassword("old")}
	h := door(p)
	for range 2 {
		if answer, _ := knock(t, h, "tom@contoso.example", "old"); answer.Code != http.StatusOK {
			t.Fatalf("HTTP %d", answer.Code)
		}
	}
	p["tom"] = login.HashPassword("new")
	if answer, _ := knock(t, h, "tom@contoso.example", "old"); answer.Code != http.StatusUnauthorized {
		t.Errorf("the remembered password still opens: HTTP %d", answer.Code)
	}
	if answer, _ := knock(t, h, "tom@contoso.example", "new"); answer.Code != http.StatusOK {
		t.Errorf("HTTP %d", answer.Code)
	}
}

func TestSamePasswordHasTwoHashes(t *testing.T) {
	a, b := login.HashPassword("secret"), login.HashPassword("secret")
	if a == b || !login.CheckPassword(a, "secret") || !login.CheckPassword(b, "secret") || login.CheckPassword(a, "Secret") || strings.Contains(a, "secret") {
		t.Errorf("%s %s", a, b)
	}
}
