// Package soap reads and writes SOAP envelopes and faults, at the server and the client end; it knows nothing about
// bodies (SOAP 1.1, SOAP 1.2 part 1, WS-Addressing 1.0).
package soap

import "github.com/availd/availd/internal/xmlsec"

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

// Namespace is the envelope namespace of v.
func (v Version) Namespace() string {
	if v == V12 {
		return NS12
	}
	return NS11
}

// ContentType is what v's envelopes travel as.
func (v Version) ContentType() string {
	if v == V12 {
		return "application/soap+xml; charset=utf-8"
	}
	return "text/xml; charset=utf-8"
}

// Envelope is one received message, scanned once.
type Envelope struct {
	Version   Version
	Doc       *xmlsec.Document
	Header    xmlsec.Element // zero when absent
	Body      xmlsec.Element // the Body element
	Payload   xmlsec.Element // its only child; zero when the Body is empty
	Action    string         // wsa:Action, "" when absent
	To        string         // wsa:To
	ToElement xmlsec.Element
	MessageID string // wsa:MessageID
}
