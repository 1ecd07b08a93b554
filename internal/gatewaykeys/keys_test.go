package gatewaykeys

import (
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestFirstStartMakesAKeyThatOnlyTheOwnerCanRead(t *testing.T) {
	f := Folder(t.TempDir())
	first, err := f.Load(time.Now())
	must(t, err)
	info, err := os.Stat(f.path("signing.key"))
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %o", info.Mode().Perm())
	}
	second, err := f.Load(time.Now())
	must(t, err)
	if !first.Current.Certificate.Equal(second.Current.Certificate) {
		t.Error("the second start made another key")
	}
}

func TestKeyIsRefused(t *testing.T) {
	for story, c := range map[string]struct {
		spoil func(Folder)
		now   time.Time
		says  string
	}{
		"readable by others":      {func(f Folder) { must(t, os.Chmod(f.path("signing.key"), 0o640)) }, time.Now(), "make it 0600"},
		"expired":                 {func(Folder) {}, time.Now().AddDate(11, 0, 0), "expired on"},
		"without its certificate": {func(f Folder) { must(t, os.Remove(f.path("signing.pem"))) }, time.Now(), "signing.pem"},
		"of another certificate": {func(f Folder) {
			_, err := f.MakeNext(time.Now())
			must(t, err)
			must(t, os.Rename(f.path("signing-next.pem"), f.path("signing.pem")))
		}, time.Now(), "is not the certificate's"},
		"the published sample": {func(f Folder) {
			const keys = "../../federation/testdata/tokens/keys/broker."
			cert, err := os.ReadFile(keys + "cert.pem")
			must(t, err)
			der, err := os.ReadFile(keys + "key.der")
			must(t, err)
			must(t, os.WriteFile(f.path("signing.pem"), cert, 0o600))
			must(t, os.WriteFile(f.path("signing.key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
		}, time.Now(), "everybody has this key"},
	} {
		f := Folder(t.TempDir())
		_, err := f.Load(time.Now())
		must(t, err)
		c.spoil(f)
		if _, err := f.Load(c.now); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", story, err)
		}
	}
}

func TestRolloverOfTheSigningKey(t *testing.T) {
	f := Folder(t.TempDir())
	old, err := f.Load(time.Now())
	must(t, err)
	next, err := f.MakeNext(time.Now())
	must(t, err)
	if _, err := f.MakeNext(time.Now()); err == nil {
		t.Error("a second next key was made")
	}
	stamp := f.Stamp()
	k, err := f.Load(time.Now())
	must(t, err)
	if !k.Next.Equal(next) || !k.Current.Certificate.Equal(old.Current.Certificate) {
		t.Error("the next key is not next")
	}
	must(t, f.Publish())
	k, err = f.Load(time.Now())
	must(t, err)
	if !k.Current.Certificate.Equal(next) || !k.Previous.Equal(old.Current.Certificate) || k.Next != nil || f.Stamp() == stamp {
		t.Error("the next key is not current, or the old one not previous")
	}
	if k.PreviousKey == nil || !k.PreviousKey.Equal(old.Current.Key) {
		t.Error("the previous key cannot sign the metadata")
	}
	if _, err := f.MakeNext(time.Now()); err == nil {
		t.Error("a next key was made beside a previous one")
	}
	must(t, f.DropPrevious())
	if k, err = f.Load(time.Now()); err != nil || k.Previous != nil || k.PreviousKey != nil || f.has("signing-previous.key") {
		t.Error("the previous key is still there", err)
	}
}

func TestInterruptedPublicationIsFinished(t *testing.T) {
	f := Folder(t.TempDir())
	_, err := f.Load(time.Now())
	must(t, err)
	next, err := f.MakeNext(time.Now())
	must(t, err)
	must(t, os.Rename(filepath.Join(string(f), "signing-next.key"), filepath.Join(string(f), "signing.key")))
	k, err := f.Load(time.Now())
	must(t, err)
	if !k.Current.Certificate.Equal(next) {
		t.Error("the key is not the one that was being published")
	}
}
