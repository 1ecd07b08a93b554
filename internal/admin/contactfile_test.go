package admin_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/availd/availd/internal/admin"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

func TestContactsAreReadAsProgramsWriteThem(t *testing.T) {
	own := admin.ContactFile{VCard: true, Domain: smtpaddr.MustDomain("contoso.example")}
	for name, c := range map[string]struct {
		format admin.ContactFile
		file   string
		want   string // own address, target, name; or a part of the error
	}{
		"card of version 4":         {own, "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Rita Meter\r\nEMAIL:old@fabrikam.example\r\nEMAIL;PREF=1:mailto:rita@fabrikam.example\r\nEND:VCARD\r\n", "rita@contoso.example rita@fabrikam.example Rita Meter"},
		"card of version 3":         {own, "BEGIN:VCARD\nFN:Meter\\, Rita\nitem1.EMAIL;type=INTERNET;type=pref:rita@fabrikam.example\nEND:VCARD\n", "rita@contoso.example rita@fabrikam.example Meter, Rita"},
		"card of version 2.1":       {own, "BEGIN:VCARD\r\nFN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:J=C3=B6rg=\r\n Meter\r\nEMAIL;PREF;INTERNET:joerg@fabrikam.example\r\nEND:VCARD", "joerg@contoso.example joerg@fabrikam.example Jörg Meter"},
		"a folded line":             {own, "BEGIN:VCARD\nFN:Rita\n  Meter\nEMAIL:rita@fabri\n kam.example\nEND:VCARD\n", "rita@contoso.example rita@fabrikam.example Rita Meter"},
		"without an own domain":     {admin.ContactFile{VCard: true}, "BEGIN:VCARD\nFN:Rita\nEMAIL:rita@fabrikam.example\nEND:VCARD\n", "rita@fabrikam.example rita@fabrikam.example Rita"},
		"a card without an address": {own, "BEGIN:VCARD\nFN:Nobody\nEND:VCARD\nBEGIN:VCARD\nEMAIL:rita@fabrikam.example\nEND:VCARD\n", "1 left out, rita@contoso.example rita@fabrikam.example "},
		"a card that is not closed": {own, "BEGIN:VCARD\nFN:Rita\nEMAIL:rita@fabrikam.example\n", "line 1: the card is not closed"},
		"no address":                {own, "BEGIN:VCARD\nFN:Rita\nEMAIL:rita\nEND:VCARD\n", "line 1: "},
		"Exchange's columns":        {admin.ContactFile{}, "\ufeffName,ExternalEmailAddress,PrimarySmtpAddress\r\n\"Meter, Rita\",SMTP:rita@fabrikam.example,r@contoso.example\r\n", "r@contoso.example rita@fabrikam.example Meter, Rita"},
		"no such column":            {admin.ContactFile{}, "Name,E-Mail\nRita,rita@fabrikam.example\n", "no column is named ExternalEmailAddress"},
		"a row too short":           {admin.ContactFile{}, "Name,ExternalEmailAddress\nRita\n", "wrong number of fields"},
		"a bad row":                 {admin.ContactFile{}, "Name,ExternalEmailAddress\nRita,rita@fabrikam.example\nTom,tom\n", "line 3: "},
	} {
		t.Run(name, func(t *testing.T) {
			list, skipped, err := admin.ReadContacts(strings.NewReader(c.file), c.format)
			var got string
			if skipped > 0 {
				got = fmt.Sprintf("%d left out, ", skipped)
			}
			for _, x := range list {
				got += fmt.Sprintf("%s %s %s", x.Address, x.Target, x.DisplayName)
			}
			if err != nil {
				got = err.Error()
			}
			if got != c.want && (err == nil || !strings.Contains(got, c.want)) {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
}

func TestExportedContactsCanBeImported(t *testing.T) {
	list := []*mailbox.Contact{{Address: smtpaddr.MustAddress("r@contoso.example"), Target: smtpaddr.MustAddress("rita@fabrikam.example"), DisplayName: "Meter, \"Rita\""},
		{Address: smtpaddr.MustAddress("tom@fabrikam.example"), Target: smtpaddr.MustAddress("tom@fabrikam.example"), DisplayName: "Tom"}}
	var b bytes.Buffer
	err := admin.WriteContacts(&b, func(yield func(*mailbox.Contact, error) bool) {
		for _, c := range list {
			yield(c, nil)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	again, skipped, err := admin.ReadContacts(&b, admin.ContactFile{})
	if err != nil || skipped != 0 || len(again) != 2 || *again[0] != *list[0] || *again[1] != *list[1] {
		t.Errorf("%v %d %v", again, skipped, err)
	}
}

func FuzzReadContacts(f *testing.F) {
	f.Add([]byte("BEGIN:VCARD\nFN;ENCODING=QUOTED-PRINTABLE:J=C3=\n=B6rg\nEMAIL;PREF:rita@fabri\n kam.example\nEND:VCARD"), true)
	f.Add([]byte("Name,ExternalEmailAddress\nRita,rita@fabrikam.example\n"), false)
	f.Fuzz(func(t *testing.T, file []byte, vcard bool) {
		list, _, err := admin.ReadContacts(bytes.NewReader(file), admin.ContactFile{VCard: vcard})
		for _, c := range list {
			if c == nil || err == nil && c.Target.IsZero() {
				t.Errorf("%+v", c)
			}
		}
	})
}
