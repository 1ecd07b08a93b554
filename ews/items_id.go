package ews

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/smtpaddr"
)

// itemID names an occurrence by its calendar, its series and its start. It opens nothing: whoever brings one is asked for
// his right on the calendar as if he had searched it. An occurrence that has moved is not found under its old id.
type itemID struct {
	owner  smtpaddr.Address
	start  time.Time
	series [16]byte // a hash, mostly of the UID: ids have a bound, UIDs have none
}

const itemIDVersion = 1

// seriesOf is the part of an id that stands for a UID.
func seriesOf(uid string) (s [16]byte) {
	sum := sha256.Sum256([]byte(uid))
	copy(s[:], sum[:])
	return s
}

// String is the id as it travels: a version, the seconds of the start, the series, the owner's address.
func (i itemID) String() string {
	b := binary.BigEndian.AppendUint64([]byte{itemIDVersion}, uint64(i.start.Unix())) //nolint:gosec // read back as it was
	b = append(b, i.series[:]...)
	return base64.StdEncoding.EncodeToString(append(b, i.owner.String()...))
}

func (i itemID) same(o itemID) bool { return i.series == o.series && i.start.Equal(o.start) }

func parseItemID(s string) (i itemID, ok bool) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	const fixed = 1 + 8 + len(i.series)
	if err != nil || len(b) <= fixed || b[0] != itemIDVersion {
		return i, false
	}
	i.start = time.Unix(int64(binary.BigEndian.Uint64(b[1:9])), 0).UTC() //nolint:gosec // as it was written
	copy(i.series[:], b[9:fixed])
	i.owner, err = smtpaddr.ParseAddress(string(b[fixed:]))
	return i, err == nil && i.start.Year() >= 1600 && i.start.Year() <= 9999
}

// readItemID reads t:ItemId; ids of masters and by an index in a series name what is not served.
func readItemID(e xmlsec.Element) (itemID, error) {
	text, _ := e.Attr("Id")
	switch {
	case !e.Is(nsTypes, "ItemId"):
		return itemID{}, &rowError{"ErrorItemNotFound", "The specified object was not found in the store."}
	case text == "":
		return itemID{}, &rowError{"ErrorInvalidIdEmpty", "Id must be non-empty."}
	}
	if _, ok := parseFolderID(text); ok {
		return itemID{}, &rowError{"ErrorCannotUseFolderIdForItemId", "Id is that of a folder."}
	}
	id, ok := parseItemID(text)
	if !ok {
		return itemID{}, errMalformedID
	}
	return id, nil
}

// changeKey stands for the content: it moves with every property that is shown.
func (it *item) changeKey() string {
	o := it.Occurrence
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %d %d %t %q %q %t %t %t %t %t", o.Start.Unix(), o.End.Unix(), o.BusyType, o.AllDay, o.Subject, o.Location,
		o.IsMeeting, o.IsRecurring, o.IsException, o.IsReminderSet, o.IsPrivate))
	return base64.StdEncoding.EncodeToString(sum[:9])
}
