package ews

import (
	"bytes"
	"embed"
	"net/http"
	"path"
	"strings"
	"text/template"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
)

// description holds the schemas of what this package serves, of our own writing, and the form of its WSDL: the published
// ones describe ten times as much, and generic clients would offer all of it.
//
//go:embed description/services.wsdl description/messages.xsd description/types.xsd
var description embed.FS

var wsdl = template.Must(template.ParseFS(description, "description/services.wsdl"))

// DescriptionNames are the files that NewDescriptionHandler serves, beside Exchange.asmx, in lower case.
func DescriptionNames() []string { return []string{"services.wsdl", "messages.xsd", "types.xsd"} }

// NewDescriptionHandler serves the file that the last part of the path names; a name of none of them, such as
// exchange.asmx, is answered with the WSDL. The address of the service in it is the host that was asked.
func NewDescriptionHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name := strings.ToLower(path.Base(r.URL.Path)); strings.HasSuffix(name, ".xsd") {
			if file, err := description.ReadFile("description/" + name); err == nil {
				soap.Write(w, soap.V11, http.StatusOK, file)
				return
			}
		}
		var b bytes.Buffer
		location := xmlsec.AppendAttr(nil, "https://"+r.Host+"/EWS/Exchange.asmx")
		err := wsdl.Execute(&b, struct {
			Operations []operation
			Location   string
		}{operations, string(location)})
		if err != nil {
			soap.WriteFault(w, soap.StyleEWS, fault.As(err), nil)
			return
		}
		soap.Write(w, soap.V11, http.StatusOK, b.Bytes())
	})
}
