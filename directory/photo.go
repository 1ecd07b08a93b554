package directory

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/availd/availd/internal/fanout"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// PhotoSize is the frame that a photo is to fit in, in pixels (UserPhotoSizeType of the EWS schema); a Height of 0 bounds
// the width only.
type PhotoSize struct{ Width, Height int }

// photoSizes are the frames of the schema; they are never changed.
var photoSizes = []PhotoSize{{48, 48}, {64, 64}, {96, 96}, {120, 120}, {240, 240}, {360, 360}, {432, 432}, {504, 504}, {648, 648}, {1024, 0}, {1920, 0}}

// ParsePhotoSize reads the schema's name of a size, in any case: the EWS reference writes both HR48x48 and HR96X96.
func ParsePhotoSize(name string) (PhotoSize, error) {
	i := slices.IndexFunc(photoSizes, func(s PhotoSize) bool { return strings.EqualFold(s.String(), name) })
	if i < 0 {
		return PhotoSize{}, fmt.Errorf("the photo size %.40q is not known", name)
	}
	return photoSizes[i], nil
}

// String is the schema's name.
func (s PhotoSize) String() string {
	if s.Height == 0 {
		return fmt.Sprintf("HR%dxN", s.Width)
	}
	return fmt.Sprintf("HR%dx%d", s.Width, s.Height)
}

// PhotoQuery asks for the photo of one person.
type PhotoQuery struct {
	Requester orgrel.Requester
	Person    Addressee
	Size      PhotoSize
}

// Picture is a JPEG that fits the size asked, or the largest there is.
type Picture struct {
	Data []byte
	ETag string // changes with the photo and the size; without quotation marks
}

// UserPhoto gives the photo of a person ([MS-OXWSPHOTO] 3.1.5.1.1): an own one, or, on behalf of own users only, a
// partner's by asking there. Where there is none, or none for the requester, the error is fault.PhotoNotFound: who may
// not see photos does not learn who has one.
func (s *Service) UserPhoto(ctx context.Context, q PhotoQuery) (*Picture, error) {
	if q.Person.Address.IsZero() {
		return nil, notSMTP(q.Person)
	}
	own, err := s.Organization.OwnDomain(ctx, q.Person.Address.Domain())
	switch {
	case err != nil:
		return nil, fault.Because(fault.ServerBusy, err)
	case !own && q.Requester.External:
		return nil, notForwarded(q.Person)
	case !own:
		return s.askUserPhoto(ctx, q)
	}
	if err := s.mayPhotos(ctx, q.Requester); err != nil {
		return nil, err
	}
	found, err := s.Store.Recipients(ctx, []smtpaddr.Address{q.Person.Address}, smtpaddr.Address{})
	switch {
	case err != nil || len(found) != 1:
		return nil, fault.Because(fault.Unavailable, err)
	case found[0].Contact != nil && !q.Requester.External:
		q.Person.Address = found[0].Contact.Target
		return s.askUserPhoto(ctx, q)
	case found[0].Mailbox == nil:
		return nil, fault.Because(fault.PhotoNotFound, errors.New("there is no such mailbox"))
	}
	p, err := s.Store.Photo(ctx, found[0].Mailbox.Address)
	switch {
	case err != nil:
		return nil, fault.Because(fault.Unavailable, err)
	case p == nil:
		return nil, fault.Because(fault.PhotoNotFound, errors.New("the mailbox has no photo"))
	}
	return s.fit(ctx, p.Data, q.Size)
}

// mayPhotos tells why the requester may see no photo of ours, or nil.
func (s *Service) mayPhotos(ctx context.Context, r orgrel.Requester) error {
	if !r.External {
		return nil
	}
	_, err := s.granting(ctx, r, "photos", fault.PhotoNotFound, func(rel *orgrel.OrganizationRelationship) string {
		if !rel.GrantsPhotos() {
			return ""
		}
		return "PhotosEnabled"
	})
	return err
}

// askUserPhoto asks the partner of the person's domain.
func (s *Service) askUserPhoto(ctx context.Context, q PhotoQuery) (p *Picture, err error) {
	s.partners(photosUsable, func(_ []int, e error) { err = e }, func(ctx context.Context, rel *orgrel.OrganizationRelationship, _ []int) (func(), error) {
		got, err := s.Remote.GetUserPhoto(ctx, rel, q)
		return func() { p = got }, err
	}).Run(ctx, fanout.People{q.Person.Address.Domain(): {0}})
	if err != nil && fault.KindOf(err) == fault.AddressSpaceNotFound {
		err = fault.Because(fault.PhotoNotFound, err) // anybody's address may be asked for; most have no partner
	}
	return p, err
}

// photosUsable tells that there is no photo where photos are switched off; what else is wrong with the relationship is for
// its administrator.
func photosUsable(rel *orgrel.OrganizationRelationship) error {
	err := rel.UsableForPhotos()
	if err != nil && rel.Enabled && !rel.PhotosEnabled {
		return fault.Because(fault.PhotoNotFound, err)
	}
	return err
}

// fit makes a stored photo fit the size.
func (s *Service) fit(ctx context.Context, data []byte, size PhotoSize) (*Picture, error) {
	tag := PhotoTag(data, size)
	if s.Scaler == nil {
		return &Picture{data, tag}, nil
	}
	scaled, err := s.Scaler.fit(ctx, data, tag, size)
	if err != nil {
		return nil, err
	}
	return &Picture{scaled, tag}, nil
}

// PhotoTag names a photo at a size, by its bytes before they are scaled.
func PhotoTag(data []byte, size PhotoSize) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:12]) + "-" + size.String()
}
