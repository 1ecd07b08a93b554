package autodiscover

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/record"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/smtpaddr"
)

// POXHandler is autodiscover.xml, the plain XML form that Outlook asks ([MS-OXDSCLI] 3.2.5). It stands behind a login.
type POXHandler struct {
	o   Options
	now func() time.Time
}

// NewPOXHandler makes the endpoint. Authenticate is called with a nil envelope. now stamps errors.
func NewPOXHandler(o Options, now func() time.Time) *POXHandler { return &POXHandler{o, now} }

// ServeHTTP answers 200 to everything but a failing store, errors too, as the protocol wants.
func (h *POXHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec := record.From(r.Context())
	rec.Set(slog.String("operation", "POX"))
	account, err := h.answer(w, r)
	body := appendPOX(nil, account)
	if err != nil {
		rec.Set(slog.String("cause", err.Error()))
		e, ok := errors.AsType[*poxError](err)
		if !ok {
			http.Error(w, "The directory cannot be read at the moment.", http.StatusServiceUnavailable)
			return
		}
		rec.Set(slog.String("code", "pox_"+e.code))
		body = appendPOXError(nil, e, h.now(), numberOf(rec.ID))
	}
	soap.Write(w, soap.V11, http.StatusOK, body)
}

// numberOf is the first half of a record's hexadecimal id in the decimal form that the protocol has.
func numberOf(id string) string {
	n, err := strconv.ParseUint(id[:min(8, len(id))], 16, 32)
	if err != nil {
		return "0"
	}
	return strconv.FormatUint(n, 10)
}

// answer finds the account, or a *poxError, or what else failed.
func (h *POXHandler) answer(w http.ResponseWriter, r *http.Request) (poxAccount, error) {
	invalid := &poxError{poxInvalid, "Invalid Request"}
	if r.Method != http.MethodPost {
		return poxAccount{}, invalid
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		return poxAccount{}, invalid
	}
	doc, err := xmlsec.Scan(raw, xmlsec.EnvelopeLimits())
	if err != nil {
		return poxAccount{}, invalid
	}
	asked, err := readPOX(doc.Root())
	if err != nil {
		return poxAccount{}, err
	}
	user, err := smtpaddr.ParseProxyAddress(asked)
	if err != nil {
		return poxAccount{}, invalid
	}
	account, err := h.account(r, user)
	if err != nil && fault.KindOf(err) == fault.InvalidUser {
		err = &poxError{poxNotFound, "The email address can't be found."}
	}
	return account, err
}

// account is what the directory knows of a user, for the own user who asks, or for a partner by its account: an Exchange
// finds an availability address space by POX.
func (h *POXHandler) account(r *http.Request, user smtpaddr.Address) (poxAccount, error) {
	who, err := h.o.Authenticate(r.Context(), nil)
	if err != nil {
		return poxAccount{}, err
	}
	if who.External && who.Relationship == nil {
		return poxAccount{}, fault.Because(fault.AccessDenied, errors.New("POX is for own users and partners' accounts"))
	}
	found, err := h.o.Directory.UserSettings(r.Context(), who, []smtpaddr.Address{user})
	if err != nil {
		return poxAccount{}, err
	}
	s := found[0]
	if s.Err != nil {
		return poxAccount{}, s.Err
	}
	a := poxAccount{redirectURL: s.RedirectUrl, displayName: s.Values[SettingDisplayName], legacyDN: s.Values[SettingUserDN],
		smtpAddress: s.Values[SettingSMTPAddress], ews: s.Values[SettingExternalEwsUrl], authenticationForOutside: "Basic"}
	if !s.RedirectAddress.IsZero() {
		a.redirectAddr = s.RedirectAddress.String()
	}
	if a.ews != "" {
		u, err := url.Parse(a.ews)
		if err != nil {
			return poxAccount{}, fmt.Errorf("ExternalEwsUrl: %w", err)
		}
		a.host = u.Hostname()
	}
	return a, nil
}
