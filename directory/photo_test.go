package directory_test

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"testing"
	"time"

	"github.com/availd/availd/directory"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// halves is a JPEG of which the left half is red and the right half blue.
func halves(t testing.TB, w, h int) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{200, 0, 0, 255}
			if x >= w/2 {
				c = color.RGBA{0, 0, 200, 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (w *tipWorld) photo(t *testing.T, who orgrel.Requester, address, size string) (*directory.Picture, error) {
	t.Helper()
	s, err := directory.ParsePhotoSize(size)
	if err != nil {
		t.Fatal(err)
	}
	return w.service().UserPhoto(t.Context(), directory.PhotoQuery{Requester: who, Person: addressees(address)[0], Size: s})
}

func TestPhotosAreMadeSmallerToFitAndNeverLarger(t *testing.T) {
	w := newTipWorld()
	w.mailbox("tom", mailbox.Delivery{}, "t.jones")
	for _, c := range []struct {
		size         string
		w, h         int
		wantW, wantH int
	}{
		{"HR48x48", 1000, 1000, 48, 48}, {"hr96X96", 1000, 500, 96, 48}, {"HR96x96", 500, 1000, 48, 96}, {"HR648x648", 300, 200, 300, 200},
		{"HR1024xN", 1500, 3000, 1024, 2048}, {"HR1920xN", 1500, 100, 1500, 100}, {"HR48x48", 4000, 3, 48, 1}, {"HR64x64", 65, 64, 64, 63},
	} {
		original := halves(t, c.w, c.h)
		w.photos["tom"] = &directory.Photo{Data: original}
		p, err := w.photo(t, tipOwn, "t.jones@contoso.example", c.size)
		if err != nil {
			t.Fatal(err)
		}
		img, err := jpeg.Decode(bytes.NewReader(p.Data))
		if err != nil {
			t.Fatal(err)
		}
		if b := img.Bounds(); b.Dx() != c.wantW || b.Dy() != c.wantH {
			t.Errorf("%d x %d as %s has %v", c.w, c.h, c.size, b)
		}
		left, _, _, _ := img.At(img.Bounds().Dx()/8, 0).RGBA()
		_, _, right, _ := img.At(img.Bounds().Dx()*7/8, 0).RGBA()
		if left>>8 < 150 || right>>8 < 150 {
			t.Errorf("%d x %d as %s: left red %d, right blue %d", c.w, c.h, c.size, left>>8, right>>8)
		}
		if same := c.w == c.wantW && c.h == c.wantH; same != bytes.Equal(p.Data, original) {
			t.Errorf("%d x %d as %s: the original's bytes: %v", c.w, c.h, c.size, !same)
		}
	}
}

func TestTheTagChangesWithThePhotoAndItsSize(t *testing.T) {
	w := newTipWorld()
	w.mailbox("tom", mailbox.Delivery{})
	tags := map[string]bool{}
	for _, width := range []int{100, 200} {
		w.photos["tom"] = &directory.Photo{Data: halves(t, width, 100)}
		for _, size := range []string{"HR48x48", "HR64x64", "HR48x48"} {
			p, err := w.photo(t, tipOwn, "tom@contoso.example", size)
			if err != nil {
				t.Fatal(err)
			}
			tags[p.ETag] = true
		}
	}
	if len(tags) != 4 {
		t.Errorf("two photos in two sizes have the tags %v", tags)
	}
}

func TestScaledPhotosAreRememberedAndFlushed(t *testing.T) {
	w := newTipWorld()
	w.mailbox("tom", mailbox.Delivery{})
	w.photos["tom"] = &directory.Photo{Data: halves(t, 100, 100)}
	s := w.service()
	size, _ := directory.ParsePhotoSize("HR48x48")
	for range 2 {
		if _, err := s.UserPhoto(t.Context(), directory.PhotoQuery{Requester: tipOwn, Person: addressees("tom@contoso.example")[0], Size: size}); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.Scaler.Flush(nil); n != 1 {
		t.Errorf("%d photos remembered", n)
	}
}

func TestWhoMayNotSeePhotosDoesNotLearnWhoHasOne(t *testing.T) {
	for story, change := range map[string]func(w *tipWorld){
		"photos off":       func(w *tipWorld) { w.rel.PhotosEnabled = false },
		"relationship off": func(w *tipWorld) { w.rel.Enabled = false },
		"no relationship":  func(w *tipWorld) { w.rel.DomainNames = nil },
		"no photo":         func(w *tipWorld) { delete(w.photos, "tom") },
		"nobody":           func(w *tipWorld) { delete(w.mailboxes, "tom") },
		"a group":          func(w *tipWorld) { delete(w.mailboxes, "tom"); w.group("tom") },
		"a contact": func(w *tipWorld) {
			delete(w.mailboxes, "tom")
			w.contacts["tom"] = &mailbox.Contact{Target: smtpaddr.MustAddress("tom@fabrikam.example")}
		},
		"nothing stands in it": nil,
	} {
		w := newTipWorld()
		w.mailbox("tom", mailbox.Delivery{})
		w.photos["tom"] = &directory.Photo{Data: halves(t, 40, 40), WhenChanged: time.Now()}
		if change == nil {
			if p, err := w.photo(t, tipPartner, "tom@contoso.example", "HR48x48"); err != nil || len(p.Data) == 0 {
				t.Errorf("%s: %v", story, err)
			}
			continue
		}
		change(w)
		if _, err := w.photo(t, tipPartner, "tom@contoso.example", "HR48x48"); fault.KindOf(err) != fault.PhotoNotFound {
			t.Errorf("%s: %v", story, err)
		}
	}
	w := newTipWorld()
	if _, err := w.photo(t, tipPartner, "x@elsewhere.example", "HR48x48"); fault.KindOf(err) != fault.ProxyRequestNotAllowed {
		t.Errorf("of a third organization: %v", err)
	}
}

func TestPhotosOfPartnersPeopleComeFromThere(t *testing.T) {
	w := newTipWorld()
	w.contacts["rolf"] = &mailbox.Contact{Address: contosoAddress("rolf"), Target: smtpaddr.MustAddress("rolf@fabrikam.example")}
	w.picture = func(q directory.PhotoQuery) (*directory.Picture, error) {
		return &directory.Picture{Data: []byte(q.Person.Address.String() + q.Size.String())}, nil
	}
	for address, want := range map[string]string{"rita@fabrikam.example": "rita@fabrikam.exampleHR48x48", "rolf@contoso.example": "rolf@fabrikam.exampleHR48x48"} {
		if p, err := w.photo(t, tipOwn, address, "HR48x48"); err != nil || string(p.Data) != want {
			t.Errorf("%s: %v %v", address, p, err)
		}
	}
	w.rel.PhotosEnabled = false
	for _, address := range []string{"rita@fabrikam.example", "x@elsewhere.example"} {
		if _, err := w.photo(t, tipOwn, address, "HR48x48"); fault.KindOf(err) != fault.PhotoNotFound {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func BenchmarkScalePhoto(b *testing.B) {
	w := newTipWorld()
	w.mailbox("tom", mailbox.Delivery{})
	w.photos["tom"] = &directory.Photo{Data: halves(b, 2048, 2048)}
	size, _ := directory.ParsePhotoSize("HR240x240")
	s := w.service()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.UserPhoto(b.Context(), directory.PhotoQuery{Requester: tipOwn, Person: addressees("tom@contoso.example")[0], Size: size}); err != nil {
			b.Fatal(err)
		}
		s.Scaler.Flush(nil)
	}
}
