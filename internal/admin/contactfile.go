package admin

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"mime/quotedprintable"
	"strings"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

const maxContactFile = 64 << 20 // bytes

// ContactFile says how contacts are read.
type ContactFile struct {
	VCard  bool            // vCard (RFC 6350, RFC 2426), else CSV with the columns of Get-MailContact | Export-Csv
	Domain smtpaddr.Domain // of ours: who has no own address gets one there; zero: the target is it
}

// ReadContacts reads contacts from a file; skipped is how many have no e-mail address.
func ReadContacts(r io.Reader, f ContactFile) (list []*mailbox.Contact, skipped int, err error) {
	b, err := io.ReadAll(io.LimitReader(r, maxContactFile+1))
	if err != nil {
		return nil, 0, err
	}
	if len(b) > maxContactFile {
		return nil, 0, fault.New(fault.Invalid, "the file is longer than %d bytes", maxContactFile)
	}
	b = bytes.TrimPrefix(b, []byte("\ufeff"))
	read := readCSV
	if f.VCard {
		read = readVCards
	}
	err = read(b, func(line int, own, target, name string) error {
		if target == "" {
			skipped++
			return nil
		}
		c, err := f.contact(own, target, name)
		if err != nil {
			return fault.New(fault.Invalid, "line %d: %v", line, err)
		}
		list = append(list, c)
		return nil
	})
	return list, skipped, err
}

func (f ContactFile) contact(own, target, name string) (*mailbox.Contact, error) {
	if proxy := "smtp:"; len(target) > len(proxy) && strings.EqualFold(target[:len(proxy)], proxy) { // as Exchange exports it
		target = target[len(proxy):]
	}
	to, err := smtpaddr.ParseAddress(target)
	if err != nil {
		return nil, err
	}
	c := &mailbox.Contact{Address: to, Target: to, DisplayName: name}
	switch {
	case own != "":
		c.Address, err = smtpaddr.ParseAddress(own)
	case !f.Domain.IsZero():
		c.Address, err = smtpaddr.ParseAddress(to.Local() + "@" + f.Domain.String())
	}
	return c, err
}

// contactColumns are the columns in the order of WriteContacts; Name is read for DisplayName.
var contactColumns = [...]string{"PrimarySmtpAddress", "DisplayName", "ExternalEmailAddress"}

func readCSV(b []byte, take func(line int, own, target, name string) error) error {
	r := csv.NewReader(bytes.NewReader(b))
	column := map[string]int{}
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fault.New(fault.Invalid, "%v", err)
		}
		line, _ := r.FieldPos(0)
		if len(column) == 0 {
			for i, name := range record {
				column[strings.ToLower(strings.TrimSpace(name))] = i
			}
			if _, ok := column["externalemailaddress"]; !ok {
				return fault.New(fault.Invalid, "line %d: no column is named ExternalEmailAddress; known are %s", line, strings.Join(contactColumns[:], ", "))
			}
			continue
		}
		value := func(name string) string {
			if i, ok := column[name]; ok {
				return strings.TrimSpace(record[i])
			}
			return ""
		}
		name := value("displayname")
		if name == "" {
			name = value("name")
		}
		if err := take(line, value("primarysmtpaddress"), value("externalemailaddress"), name); err != nil {
			return err
		}
	}
}

// readVCards takes the name and the preferred e-mail address of each card.
func readVCards(b []byte, take func(line int, own, target, name string) error) error {
	var name, email string
	var preferred, inside bool
	begun := 0
	for line, text := range unfolded(b) {
		left, value, ok := strings.Cut(text, ":")
		params := strings.Split(strings.ToUpper(left), ";")
		property := params[0][strings.LastIndexByte(params[0], '.')+1:] // item1.EMAIL
		switch {
		case !ok:
		case property == "BEGIN":
			name, email, preferred, inside, begun = "", "", false, true, line
		case property == "END":
			inside = false
			if err := take(begun, "", email, name); err != nil {
				return err
			}
		case property == "FN":
			name = vcardText(value, params)
		case property == "EMAIL":
			pref := strings.Contains(strings.ToUpper(left), "PREF")
			if email == "" || pref && !preferred {
				email, preferred = strings.TrimPrefix(vcardText(value, params), "mailto:"), pref
			}
		}
	}
	if inside {
		return fault.New(fault.Invalid, "line %d: the card is not closed with END:VCARD", begun)
	}
	return nil
}

func vcardText(value string, params []string) string {
	for _, p := range params {
		if strings.HasSuffix(p, "QUOTED-PRINTABLE") {
			if b, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(value))); err == nil {
				value = string(b)
			}
		}
	}
	return strings.TrimSpace(strings.NewReplacer(`\n`, " ", `\N`, " ", `\,`, ",", `\;`, ";", `\\`, `\`).Replace(value))
}

// unfolded yields the logical lines of a vCard file with the number of their first physical one: a line goes on where
// the next begins with a blank (RFC 6350 3.2), or where it ends with = in quoted-printable (vCard 2.1).
func unfolded(b []byte) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		s := bufio.NewScanner(bytes.NewReader(b))
		s.Buffer(nil, maxContactFile)
		var text strings.Builder
		first, number, soft := 0, 0, false
		for s.Scan() {
			number++
			line := strings.TrimSuffix(s.Text(), "\r")
			folded := line != "" && (line[0] == ' ' || line[0] == '\t')
			if !folded && !soft {
				if first > 0 && !yield(first, text.String()) {
					return
				}
				text.Reset()
				first = number
			} else if folded && !soft {
				line = line[1:]
			}
			soft = strings.HasSuffix(line, "=") && strings.Contains(strings.ToUpper(text.String()+line), "QUOTED-PRINTABLE")
			text.WriteString(strings.TrimSuffix(line, map[bool]string{true: "="}[soft]))
		}
		if first > 0 {
			yield(first, text.String())
		}
	}
}

// WriteContacts writes contacts as CSV, as [ReadContacts] reads it.
func WriteContacts(w io.Writer, list func(yield func(*mailbox.Contact, error) bool)) error {
	out := csv.NewWriter(w)
	if err := out.Write(contactColumns[:]); err != nil {
		return err
	}
	for c, err := range list {
		if err != nil {
			return err
		}
		if err := out.Write([]string{c.Address.String(), c.DisplayName, c.Target.String()}); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
