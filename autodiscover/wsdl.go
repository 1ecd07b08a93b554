package autodiscover

import (
	_ "embed" // the description
	"strings"

	"github.com/availd/availd/internal/xmlsec"
)

// wsdl describes what this package writes: its schema has the members in the order of our answers.
//
//go:embed autodiscover.wsdl
var wsdl string

// appendWSDL writes the description for the endpoint at url.
func appendWSDL(dst []byte, url string) []byte {
	before, after, _ := strings.Cut(wsdl, "LOCATION")
	return append(xmlsec.AppendAttr(append(dst, before...), url), after...)
}
