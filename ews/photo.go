package ews

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/availd/availd/directory"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/record"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// getUserPhoto answers m:GetUserPhoto (EWS reference). A SOAP request brings no tag of an older photo, so that every photo
// counts as changed.
func (h *Handler) getUserPhoto(ctx context.Context, env *soap.Envelope, who orgrel.Requester) ([]byte, error) {
	q, header, err := readPhotoQuery(env.Payload)
	if err != nil {
		return nil, err
	}
	q.Requester = who
	var p *directory.Picture
	if header {
		err = fault.Because(fault.PhotoNotFound, errors.New("nobody has a picture for the head of a profile"))
	} else {
		p, err = h.o.Recipients.UserPhoto(ctx, q)
	}
	refusal, err := inAnswer(ctx, err)
	if err != nil {
		return nil, err
	}
	code := "NoError"
	if refusal != nil {
		code = ResponseCode(refusal)
	}
	record.From(ctx).Set(slog.Int("mailboxes", 1), slog.Any("codes", map[string]int{code: 1}))
	dst := appendStatus(nil, `GetUserPhotoResponse xmlns="`+nsMessages+`"`, refusal)
	dst = append(strconv.AppendBool(append(dst, "<HasChanged>"...), refusal == nil), "</HasChanged>"...)
	if refusal == nil {
		dst = append(base64.StdEncoding.AppendEncode(append(dst, "<PictureData>"...), p.Data), "</PictureData>"...)
	}
	return append(dst, "</GetUserPhotoResponse>"...), nil
}

// readPhotoQuery reads the request; header tells that not the photo of the person is asked.
func readPhotoQuery(req xmlsec.Element) (q directory.PhotoQuery, header bool, err error) {
	if err := order(req, nsMessages+" Email", nsMessages+" SizeRequested", nsMessages+" TypeRequested"); err != nil {
		return q, false, err
	}
	text := map[string]string{}
	for _, name := range []string{"Email", "SizeRequested", "TypeRequested"} {
		e, err := required(req, nsMessages, name)
		if err != nil && name != "TypeRequested" {
			return q, false, err
		}
		if text[name], err = textOf(e); err != nil {
			return q, false, err
		}
	}
	q.Person = addressee(text["Email"])
	if q.Size, err = directory.ParsePhotoSize(text["SizeRequested"]); err != nil {
		return q, false, soap.Schema(req.Child(nsMessages, "SizeRequested"), "The value of 'SizeRequested' is invalid: "+err.Error()+".")
	}
	switch text["TypeRequested"] {
	case "", "UserPhoto":
		return q, false, nil
	case "ProfileHeaderPhoto":
		return q, true, nil
	}
	return q, false, soap.Schema(req.Child(nsMessages, "TypeRequested"), "The value of 'TypeRequested' is invalid.")
}

// addressee is a recipient of whom only the address is given.
func addressee(raw string) directory.Addressee {
	a := directory.Addressee{Raw: raw}
	if address, err := smtpaddr.ParseProxyAddress(raw); err == nil {
		a.Address = address
	}
	return a
}

// NewPhotoHandler serves Exchange.asmx/s/GetUserPhoto?email=…&size=… ([MS-OXWSPHOTO] 3.1.5.1.1): the JPEG itself, with a
// tag by which a client that has it already is told so. A photo may be taken away from somebody at any time: caches ask
// before they use what they keep.
func NewPhotoHandler(o Options) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := record.From(r.Context())
		rec.Set(slog.String("operation", "GetUserPhoto"))
		p, err := o.photo(r)
		w.Header().Set("Cache-Control", "private, no-cache")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		rec.Set(slog.Int("mailboxes", 1), slog.Any("codes", map[string]int{ResponseCode(err): 1}))
		if err != nil {
			f := fault.As(err)
			rec.Set(slog.String("code", f.Kind.Row().Name), slog.String("cause", f.Error()))
			http.Error(w, f.Text(), photoStatus(f.Kind))
			return
		}
		w.Header().Set("ETag", `"`+p.ETag+`"`)
		if knows(r.Header.Values("If-None-Match"), p.ETag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("Content-Type", "image/jpeg")
		w.Header().Set("Content-Length", strconv.Itoa(len(p.Data)))
		_, _ = w.Write(p.Data) // the client has gone; to HEAD nothing is written
	})
}

func (o *Options) photo(r *http.Request) (*directory.Picture, error) {
	who, err := o.Authenticate(r.Context(), nil)
	if err != nil {
		return nil, err
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, fault.Because(fault.Invalid, err)
	}
	size, err := directory.ParsePhotoSize(query.Get("size"))
	if err != nil {
		return nil, &fault.Error{Kind: fault.Invalid, Message: err.Error()}
	}
	return o.Recipients.UserPhoto(r.Context(), directory.PhotoQuery{Requester: who, Person: addressee(query.Get("email")), Size: size})
}

// photoStatus is the HTTP status of a failure; those that stand in a SOAP answer with 200 have none of their own.
func photoStatus(k fault.Kind) int {
	switch k {
	case fault.PhotoNotFound, fault.ProxyRequestNotAllowed:
		return http.StatusNotFound
	case fault.InvalidSMTPAddress:
		return http.StatusBadRequest
	case fault.ServerBusy:
		return http.StatusServiceUnavailable
	case fault.Timeout:
		return http.StatusGatewayTimeout
	}
	if status := k.Row().HTTP; status >= http.StatusBadRequest {
		return status
	}
	return http.StatusBadGateway // a partner could not be asked
}

// knows tells whether the values of If-None-Match have the tag (RFC 9110 §13.1.2).
func knows(values []string, tag string) bool {
	for _, v := range values {
		for t := range strings.SplitSeq(v, ",") {
			if t = strings.TrimPrefix(strings.TrimSpace(t), "W/"); t == `"`+tag+`"` || t == "*" {
				return true
			}
		}
	}
	return false
}
