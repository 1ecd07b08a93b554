// Package soap reads and writes SOAP envelopes and faults, at the server and the client end; it knows nothing about bodies.
package soap

import (
	"context"
	"net/http"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/xmlsec"
)

// Namespaces used in envelopes.
const (
	NS11  = "http://schemas.xmlsoap.org/soap/envelope/"
	NS12  = "http://www.w3.org/2003/05/soap-envelope"
	NSWSA = "http://www.w3.org/2005/08/addressing"
	NSXSI = "http://www.w3.org/2001/XMLSchema-instance"
)

// Version of SOAP.
type Version uint8

// The versions.
const (
	V11 Version = iota + 1
	V12
)

// Envelope is one received message, scanned once.
type Envelope struct {
	Version   Version
	Doc       *xmlsec.Document
	Header    xmlsec.Element // zero when absent
	Body      xmlsec.Element // the Body element
	Payload   xmlsec.Element // its only child; zero when the Body is empty
	Action    string         // wsa:Action, "" when absent
	To        string         // wsa:To
	MessageID string         // wsa:MessageID
	Raw       []byte
}

// Parse scans raw under limits and checks the envelope's shape. understood names the header blocks that may carry mustUnderstand
// besides wsa:* and wsse:Security. Errors: *fault.Error of kind MalformedXML, InvalidRequest, VersionMismatch or MustUnderstand.
func Parse(raw []byte, v Version, l xmlsec.Limits, understood func(space, local string) bool) (*Envelope, error) {
	panic("not built yet")
}

// ReadRequest checks method, content type, encoding and length of an HTTP request, reads its body under maxBytes and parses it.
// Errors also: MethodNotAllowed, UnsupportedMediaType, TooLarge.
func ReadRequest(w http.ResponseWriter, r *http.Request, v Version, maxBytes int64, understood func(space, local string) bool) (*Envelope, error) {
	panic("not built yet")
}

// Append appends an envelope with ready header blocks and ready body content. extraNS is written on the Envelope element as it is.
func Append(dst []byte, v Version, extraNS string, headers, body []byte) []byte {
	panic("not built yet")
}

// AppendFault appends a whole envelope with the fault of err in the way of the endpoint's family.
type FaultStyle uint8

// The styles.
const (
	StyleEWS          FaultStyle = iota // SOAP 1.1, a:ErrorX in the types namespace with detail (availability.md 4.1); WS-Security kinds in wsse form
	StyleAutodiscover                   // SOAP 1.1, wsse form for security; a:ActionNotSupported for unknown operations
	StyleSTS                            // SOAP 1.2, wst subcodes and psf detail (federation-tokens.md 2.5)
)

// WriteFault writes err with its HTTP status, Content-Type and, for ServerBusy, Retry-After. headers are ready header blocks (ServerVersionInfo).
func WriteFault(w http.ResponseWriter, style FaultStyle, err *fault.Error, headers []byte) {
	panic("not built yet")
}

// Fault is a fault that a peer answered.
type Fault struct {
	HTTPStatus   int
	CodeSpace    string
	Code         string // local name (SOAP 1.2: the innermost subcode)
	String       string
	ResponseCode string // detail e:ResponseCode of EWS
}

func (f *Fault) Error() string { panic("not built yet") }

// HTTPError is an answer that is no SOAP at all: "The request failed with HTTP status 401: Unauthorized."
type HTTPError struct {
	Status int
}

func (e *HTTPError) Error() string { panic("not built yet") }

// Request is one call to a peer.
type Request struct {
	URL         string
	Version     Version
	Action      string // SOAPAction (1.1) or action parameter (1.2)
	Body        []byte // whole envelope
	UserAgent   string
	Header      http.Header // further headers, e.g. client-request-id, Authorization
	MaxResponse int64       // 0 = 4 MB
}

// Post sends r by c and parses the answer; a fault becomes *Fault, any other status *HTTPError. Redirects are not followed.
func Post(ctx context.Context, c *http.Client, r Request) (*Envelope, error) { panic("not built yet") }
