package ews

import (
	"embed"
	"net/http"
	"path"
	"strings"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
)

// description holds the WSDL and the schemas of what this package serves, of our own writing: the published ones
// describe ten times as much, and generic clients would offer all of it.
//
//go:embed description/services.wsdl description/messages.xsd description/types.xsd
var description embed.FS

// DescriptionNames are the files that NewDescriptionHandler serves, beside Exchange.asmx, in lower case.
func DescriptionNames() []string { return []string{"services.wsdl", "messages.xsd", "types.xsd"} }

// NewDescriptionHandler serves the file that the last part of the path names; a name of none of them, such as
// exchange.asmx, is answered with the WSDL. The address of the service in it is the host that was asked.
func NewDescriptionHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.ToLower(path.Base(r.URL.Path))
		file, err := description.ReadFile("description/" + name)
		if err != nil {
			file, err = description.ReadFile("description/services.wsdl")
		}
		if err != nil {
			soap.WriteFault(w, soap.StyleEWS, fault.As(err), nil)
			return
		}
		if before, after, found := strings.Cut(string(file), "LOCATION"); found {
			file = append(xmlsec.AppendAttr([]byte(before), "https://"+r.Host+"/EWS/Exchange.asmx"), after...)
		}
		soap.Write(w, soap.V11, http.StatusOK, file)
	})
}
