package ews

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strings"
)

// vCalUID marks a GlobalObjectId that holds the UID of an item made elsewhere ([MS-OXOCAL] 2.2.1.27).
const vCalUID = "vCal-Uid\x01\x00\x00\x00"

// uidOf is the iCalendar UID that a GlobalObjectId stands for: the one inside where it came from elsewhere, else its
// own hexadecimal form, as Outlook writes it into iCalendar ([MS-OXCICAL] 2.1.3.1.1.20.26). It is read as hexadecimal or
// base64; "" when it is empty or neither.
func uidOf(id string) string {
	id = strings.TrimSpace(id)
	if id == "" || len(id) > 4096 {
		return ""
	}
	raw, err := hex.DecodeString(id)
	if err != nil {
		if raw, err = base64.StdEncoding.DecodeString(id); err != nil {
			return ""
		}
	}
	if _, uid, ok := bytes.Cut(raw, []byte(vCalUID)); ok {
		return string(bytes.TrimRight(uid, "\x00"))
	}
	return strings.ToUpper(hex.EncodeToString(raw))
}

// byteArrayID begins every GlobalObjectId ([MS-OXOCAL] 2.2.1.27).
const byteArrayID = "\x04\x00\x00\x00\x82\x00\xE0\x00\x74\xC5\xB7\x10\x1A\x82\xE0\x08"

// globalObjectID is the GlobalObjectId of a UID, in hexadecimal: that which it is, where Outlook made it, else one that
// holds it, of no instance and no time ([MS-OXCICAL] 2.1.3.1.1.20.26).
func globalObjectID(uid string) string {
	if raw, err := hex.DecodeString(uid); err == nil && bytes.HasPrefix(raw, []byte(byteArrayID)) {
		return strings.ToUpper(uid)
	}
	data := vCalUID + uid + "\x00"
	b := append([]byte(byteArrayID), make([]byte, 4+8+8)...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(data))) //nolint:gosec // a UID is no longer than its message
	return strings.ToUpper(hex.EncodeToString(append(b, data...)))
}
