package ews

import (
	"bytes"
	"encoding/base64"
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
