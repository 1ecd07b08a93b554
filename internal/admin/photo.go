package admin

import (
	"bytes"
	"context"
	"fmt"
	"image/jpeg"
	"net/http"

	"github.com/availd/availd/directory"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/smtpaddr"
)

// Limits of a photo.
const (
	MaxPhoto      = 500 << 10 // bytes
	maxPhotoSide  = 4096      // pixels
	maxPhotoScans = 50        // each goes over the whole picture again: 17,000 fit in 500 KB, and take minutes; usual are ten
)

// checkPhoto reads a picture called name, and gives its width and height in pixels. It is decoded to the end: what is kept
// must be scaled when it is asked for, without fail and soon.
func checkPhoto(name string, data []byte) (width, height int, err error) {
	if len(data) > MaxPhoto {
		return 0, 0, fault.New(fault.Invalid, "%s is larger than the %d KB that a photo may have", name, MaxPhoto>>10)
	}
	if kind := http.DetectContentType(data); kind != "image/jpeg" {
		return 0, 0, fault.New(fault.Invalid, "%s is no JPEG but %s", name, kind)
	}
	c, err := jpeg.DecodeConfig(bytes.NewReader(data))
	switch {
	case err != nil:
		return 0, 0, fault.New(fault.Invalid, "%s is no JPEG that can be read: %v", name, err)
	case c.Width == 0 || c.Height == 0 || c.Width > maxPhotoSide || c.Height > maxPhotoSide:
		return 0, 0, fault.New(fault.Invalid, "%s has %d x %d pixels, and a photo at most %d x %d", name, c.Width, c.Height, maxPhotoSide, maxPhotoSide)
	case bytes.Count(data, []byte("\xFF\xDA")) > maxPhotoScans: // the mark before each scan
		return 0, 0, fault.New(fault.Invalid, "%s has more than %d scans; save it as a baseline JPEG", name, maxPhotoScans)
	}
	if _, err := jpeg.Decode(bytes.NewReader(data)); err != nil {
		return 0, 0, fault.New(fault.Invalid, "%s is no JPEG that can be read: %v", name, err)
	}
	return c.Width, c.Height, nil
}

// Photo is the picture of a mailbox, with its primary address (Get-UserPhoto).
func (a *Admin) Photo(ctx context.Context, identity string) (smtpaddr.Address, *directory.Photo, error) {
	m, err := a.MailboxNamed(ctx, identity)
	if err != nil {
		return smtpaddr.Address{}, nil, err
	}
	p, err := a.Store.Photo(ctx, m.Address)
	if err == nil && p == nil {
		err = fault.New(fault.NotFound, "%s has no photo", m.Address)
	}
	return m.Address, p, problem(err)
}

// SetPhoto keeps a JPEG as the picture of a mailbox (Set-UserPhoto). name is the source's, for messages.
func (a *Admin) SetPhoto(ctx context.Context, identity, name string, data []byte) error {
	width, height, err := checkPhoto(name, data)
	if err != nil {
		return err
	}
	m, err := a.MailboxNamed(ctx, identity)
	if err != nil {
		return err
	}
	detail := fmt.Sprintf("%d x %d pixels, %d bytes", width, height, len(data))
	return problem(a.Store.PutPhoto(a.audited(ctx, "mailbox photo set", m.Address.String(), detail), m.Address, &directory.Photo{Data: data, WhenChanged: a.Now().UTC()}))
}

// RemovePhoto removes the picture of a mailbox (Remove-UserPhoto).
func (a *Admin) RemovePhoto(ctx context.Context, identity string) error {
	address, p, err := a.Photo(ctx, identity)
	if err != nil {
		return err
	}
	detail := fmt.Sprintf("%d bytes", len(p.Data))
	return problem(a.Store.PutPhoto(a.audited(ctx, "mailbox photo remove", address.String(), detail), address, nil))
}
