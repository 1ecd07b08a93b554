package cli_test

import (
	"io"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/internal/cache"
	"github.com/availd/availd/internal/server"
	"github.com/availd/availd/internal/store/open"
)

func TestCachesOfARunningNodeAreListedAndFlushed(t *testing.T) {
	database := filepath.Join(t.TempDir(), "a.db")
	st, err := open.Open(t.Context(), database, open.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	s := server.New(server.Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil))}, st)
	found := cache.New[string, string](10, time.Now)
	found.Put("fabrikam.example (Fabrikam)", "", time.Hour, 0)
	found.Put("tailspin.example (Tailspin)", "", time.Hour, 0)
	s.Caches().Register("autodiscover", found)
	admin := httptest.NewServer(s.Admin(t.Context()))
	t.Cleanup(admin.Close)
	at := " --admin-listen " + strings.TrimPrefix(admin.URL, "http://")
	for _, c := range []line{
		{"cache list" + at, 0, "autodiscover  fabrikam.example (Fabrikam)  0s"},
		{"cache list --output json --domain tailspin.example" + at, 0, `"Key": "tailspin.example (Tailspin)"`},
		{"cache list --tokens" + at, 0, ""},
		{"cache flush --domain nodots..example" + at, 1, "--domain"},
		{"cache flush --tokens --all" + at, 1, "none of the others can be"},
		{"cache flush --tokens" + at, 0, "Flushed       : 0"},
		{"cache flush --autodiscover --domain fabrikam.example --output json" + at, 0, `"Flushed": 1`},
		{"cache flush" + at, 0, "Flushed       : 1"},
		{"cache list" + at, 0, ""},
		{"cache list --admin-listen 127.0.0.1:1", 4, "no node answers at 127.0.0.1:1"},
	} {
		status, out, errOut := run(t, database, c.typed)
		if status != c.status || !strings.Contains(out+errOut, c.want) || c.want == "" && out != "" {
			t.Errorf("availd %s: exit %d, want %d and %q\n%s%s", c.typed, status, c.status, c.want, out, errOut)
		}
	}
}
