package ews

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/record"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/orgrel"
)

// MaxRequest is the documented size of a request.
const MaxRequest = 400 << 10

// Options of a Handler.
type Options struct {
	Service interface {
		GetUserAvailability(ctx context.Context, q availability.Query) (availability.Answer, error)
	}
	// Authenticate tells who asks; for own users it finds what the login left in the context.
	Authenticate func(ctx context.Context, env *soap.Envelope) (orgrel.Requester, error)
	Recipients   Recipients       // for GetMailTips and GetUserPhoto
	Directory    Directory        // nil on an endpoint for partners, who may not search
	Calendar     Calendar         // for FindItem and GetItem; nil on an endpoint for partners
	ServerName   string           // ExceptionServerName
	Now          func() time.Time // nil: time.Now
}

// Handler is one Exchange.asmx endpoint.
type Handler struct{ o Options }

// NewHandler makes an endpoint.
func NewHandler(o Options) *Handler { return &Handler{o} }

func (h *Handler) now() time.Time {
	if h.o.Now != nil {
		return h.o.Now()
	}
	return time.Now()
}

// operation is one that the endpoints serve.
type operation struct {
	Name    string   // for the record, the SOAPAction and the description
	Request string   // local name of the body's element, in the messages namespace
	Headers []string // that the description offers beside RequestServerVersion
	partner bool     // a token opens it
	serve   func(h *Handler, ctx context.Context, env *soap.Envelope, who orgrel.Requester) ([]byte, error)
}

// operations in the order of the description; they are never changed.
var operations = []operation{
	{Name: "GetUserAvailability", Request: "GetUserAvailabilityRequest", Headers: []string{"MailboxCulture", "TimeZoneContext"}, partner: true, serve: (*Handler).getUserAvailability},
	{Name: "GetServerTimeZones", Request: "GetServerTimeZones", Headers: []string{"MailboxCulture"}, serve: (*Handler).getServerTimeZones},
	// Folders, items and ids.
	{Name: "GetFolder", Request: "GetFolder", Headers: []string{"MailboxCulture", "TimeZoneContext"}, serve: (*Handler).getFolder},
	{Name: "ConvertId", Request: "ConvertId", serve: (*Handler).convertID},
	{Name: "FindItem", Request: "FindItem", Headers: []string{"MailboxCulture", "TimeZoneContext"}, serve: (*Handler).findItem},
	{Name: "GetItem", Request: "GetItem", Headers: []string{"MailboxCulture", "TimeZoneContext"}, serve: (*Handler).getItem},
	// The address book.
	{Name: "ResolveNames", Request: "ResolveNames", Headers: []string{"MailboxCulture"}, serve: (*Handler).resolveNames},
	{Name: "ExpandDL", Request: "ExpandDL", Headers: []string{"MailboxCulture"}, serve: (*Handler).expandDL},
	{Name: "GetRoomLists", Request: "GetRoomLists", Headers: []string{"MailboxCulture"}, serve: (*Handler).getRoomLists},
	{Name: "GetRooms", Request: "GetRooms", Headers: []string{"MailboxCulture"}, serve: (*Handler).getRooms},
	{Name: "GetUserOofSettings", Request: "GetUserOofSettingsRequest", serve: (*Handler).getUserOofSettings},
	{Name: "SetUserOofSettings", Request: "SetUserOofSettingsRequest", serve: (*Handler).setUserOofSettings},
	{Name: "GetServiceConfiguration", Request: "GetServiceConfiguration", Headers: []string{"MailboxCulture"}, serve: (*Handler).getServiceConfiguration},
	// What senders are told of a recipient.
	{Name: "GetMailTips", Request: "GetMailTips", Headers: []string{"MailboxCulture"}, partner: true, serve: (*Handler).getMailTips},
	{Name: "GetUserPhoto", Request: "GetUserPhoto", partner: true, serve: (*Handler).getUserPhoto},
}

func operationOf(payload xmlsec.Element) (operation, bool) {
	i := slices.IndexFunc(operations, func(o operation) bool { return payload.Is(nsMessages, o.Request) })
	if i < 0 {
		return operation{}, false
	}
	return operations[i], true
}

func understood(space, local string) bool {
	return space == nsTypes && (local == "RequestServerVersion" || local == "TimeZoneContext" || local == "MailboxCulture")
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start, rec := time.Now(), record.From(r.Context())
	body, requester, err := h.serve(w, r)
	if err != nil {
		f := fault.As(err)
		rec.Set(slog.String("code", f.Kind.Row().Name), slog.String("cause", f.Error()))
		soap.WriteFault(w, soap.StyleEWS, f, nil)
		return
	}
	soap.Write(w, soap.V11, http.StatusOK, soap.Append(nil, soap.V11, "", []byte(soap.ServerVersionInfo), body))
	if !requester.External {
		rec.Done(record.StepAnswered, start, fmt.Sprintf("%d bytes to the client", len(body)))
	}
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request) ([]byte, orgrel.Requester, error) {
	var requester orgrel.Requester
	env, err := soap.ReadRequest(w, r, soap.V11, MaxRequest, understood)
	if err != nil {
		return nil, requester, err
	}
	ctx := r.Context()
	rec := record.From(ctx)
	if requester, err = h.o.Authenticate(ctx, env); err != nil {
		return nil, requester, err
	}
	p := env.Payload
	if p.IsZero() {
		return nil, requester, fault.Because(fault.InvalidRequest, errors.New("the Body is empty"))
	}
	op, ok := operationOf(p)
	if !ok || requester.External && !op.partner {
		rec.Set(slog.String("operation", "other"))
		return nil, requester, fault.Because(fault.UnknownOperation, fmt.Errorf("operation %.60q", p.Local()))
	}
	rec.Set(slog.String("operation", op.Name))
	if err := proxied(env); err != nil {
		return nil, requester, err
	}
	body, err := op.serve(h, ctx, env, requester)
	return body, requester, err
}

// getUserAvailability answers m:GetUserAvailabilityRequest ([MS-OXWAVLS] 3.1.4.1).
func (h *Handler) getUserAvailability(ctx context.Context, env *soap.Envelope, who orgrel.Requester) ([]byte, error) {
	req, err := readRequest(env)
	if err != nil {
		return nil, err
	}
	req.query.Requester = who
	answer, err := h.o.Service.GetUserAvailability(ctx, req.query)
	if err != nil {
		return nil, err
	}
	codes := map[string]int{}
	for _, res := range answer.Results {
		codes[ResponseCode(res.Err)]++
	}
	record.From(ctx).Set(slog.Int("mailboxes", len(req.query.Mailboxes)), slog.Any("codes", codes))
	return appendResponse(nil, req, answer, h.o.ServerName), nil
}

// proxied refuses the headers by which Exchange servers speak for others: they mean nothing here.
func proxied(env *soap.Envelope) error {
	for e := range env.Header.Children() {
		if e.Space() != nsTypes {
			continue
		}
		switch e.Local() {
		case "ProxySecurityContext", "ProxyPartnerToken", "ProxySuggesterSid", "SerializedSecurityContext", "RequestTypeHeader":
			return &fault.Error{Kind: fault.ProxyRequestNotAllowed, Message: "Nobody may ask here on behalf of another server.", Cause: fmt.Errorf("header %s", e.Local())}
		case "ExchangeImpersonation":
			return fault.Because(fault.AccessDenied, errors.New("impersonation"))
		}
	}
	return nil
}

func textOf(e xmlsec.Element) (string, error) {
	s, err := e.Text()
	if err != nil {
		return "", soap.Schema(e, err.Error())
	}
	return strings.TrimSpace(s), nil
}
