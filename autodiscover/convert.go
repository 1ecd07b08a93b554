package autodiscover

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/smtpaddr"
)

// operationOf is the operation that a message asks for: by wsa:Action, else by SOAPAction, else by the body, which must
// agree with them. Clients send any one of the three.
func operationOf(env *soap.Envelope, soapAction string) (string, error) {
	inBody, isMessage := strings.CutSuffix(env.Payload.Local(), "RequestMessage")
	action := env.Action
	if action == "" {
		action = strings.Trim(strings.TrimSpace(soapAction), `"`)
	}
	name := inBody
	if action != "" {
		name = strings.TrimPrefix(action, actionPrefix)
	}
	switch name {
	case opUserSettings, opDomainSettings, opFederationInformation, opRelationshipSettings:
	default:
		return "", fault.Because(fault.UnknownOperation, fmt.Errorf("action %.120q, body %.60q", action, env.Payload.Local()))
	}
	if !isMessage || env.Payload.Space() != ns || inBody != name {
		return "", soap.Schema(env.Payload, name+"RequestMessage is expected in the Body")
	}
	return name, nil
}

func text(e xmlsec.Element) string {
	s, err := e.Text()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(s)
}

// readList reads the texts of a list's entries, 1 to 100. value finds the text's element in an entry.
func readList(list xmlsec.Element, entry string, value func(xmlsec.Element) xmlsec.Element) ([]string, error) {
	var out []string
	for e := range list.Children() {
		s, err := value(e).Text()
		if err != nil || !e.Is(ns, entry) {
			return nil, fault.New(fault.InvalidRequest, "A %s is expected in the request's list.", entry)
		}
		if out = append(out, strings.TrimSpace(s)); len(out) > maxPerRequest {
			break
		}
	}
	if len(out) == 0 || len(out) > maxPerRequest {
		return nil, fault.New(fault.InvalidRequest, "A request holds 1 to %d entries of the type %s.", maxPerRequest, entry)
	}
	return out, nil
}

func itself(e xmlsec.Element) xmlsec.Element { return e }

func readDomains(req xmlsec.Element) ([]string, error) {
	return readList(req.Child(ns, "Domains"), "Domain", itself)
}

func readUsers(req xmlsec.Element) ([]string, error) {
	return readList(req.Child(ns, "Users"), "User", func(u xmlsec.Element) xmlsec.Element { return u.Child(ns, "Mailbox") })
}

func readSettingNames(req xmlsec.Element) ([]string, error) {
	return readList(req.Child(ns, "RequestedSettings"), "Setting", itself)
}

// statusOf is an error's ErrorCode and text; ok is the text of success.
func statusOf(err error, ok string) status {
	f := fault.As(err)
	if f == nil {
		return status{"NoError", ok}
	}
	return status{cmp.Or(f.Kind.Row().Autodiscover, "InternalServerError"), f.Text()}
}

// responseOf makes the answer for one user or domain: each of names is a setting, or the error why there is none.
func responseOf(s Settings, names []string, known func(string) bool) settingsResponse {
	switch {
	case s.Err != nil:
		return settingsResponse{status: statusOf(s.Err, "")}
	case !s.RedirectAddress.IsZero():
		return settingsResponse{status: status{codeRedirectAddress, "Redirection address."}, redirectTarget: s.RedirectAddress.String()}
	case s.RedirectUrl != "":
		return settingsResponse{status: status{codeRedirectURL, "Redirection url."}, redirectTarget: s.RedirectUrl}
	}
	out := settingsResponse{status: statusOf(nil, "No error.")}
	for _, name := range names {
		if v := s.Values[name]; v != "" {
			out.settings = append(out.settings, setting{name, v})
			continue
		}
		kind := fault.SettingIsNotAvailable
		if !known(name) {
			kind = fault.InvalidSetting
		}
		out.errors = append(out.errors, settingError{statusOf(fault.Because(kind, nil), ""), name})
	}
	return out
}

// ErrorCodes that no other wire has.
const (
	codeRedirectAddress = "RedirectAddress"
	codeRedirectURL     = "RedirectUrl"
)

// appendFederationInformation writes members in alphabetical order, as data-contract readers need: they drop what
// comes out of order. The published schema has another.
func appendFederationInformation(dst []byte, info *FederationInformation) []byte {
	dst = append(appendElement(dst, "ApplicationUri", info.ApplicationUri), "<Domains>"...)
	for _, d := range info.Domains {
		dst = appendElement(dst, "Domain", d.String())
	}
	dst = append(dst, "</Domains><TokenIssuers>"...)
	for _, t := range info.TokenIssuers {
		dst = appendElement(append(dst, "<TokenIssuer>"...), "Endpoint", t.Endpoint)
		dst = append(appendElement(dst, "Uri", t.Uri), "</TokenIssuer>"...)
	}
	return append(dst, "</TokenIssuers>"...)
}

func readFederationInformation(r xmlsec.Element) (*FederationInformation, error) {
	info := &FederationInformation{ApplicationUri: text(r.Child(ns, "ApplicationUri"))}
	if info.ApplicationUri == "" {
		return nil, errors.New("the answer holds no ApplicationUri")
	}
	var err error
	if info.Domains, err = readDomainList(r.Child(ns, "Domains")); err != nil {
		return nil, err
	}
	for e := range r.Child(ns, "TokenIssuers").Children() {
		info.TokenIssuers = append(info.TokenIssuers, TokenIssuer{Uri: text(e.Child(ns, "Uri")), Endpoint: text(e.Child(ns, "Endpoint"))})
	}
	return info, nil
}

func readDomainList(list xmlsec.Element) (out []smtpaddr.Domain, err error) {
	for e := range list.Children() {
		d, err := smtpaddr.ParseDomain(text(e))
		if err != nil {
			return nil, fmt.Errorf("the answer: %w", err)
		}
		out = append(out, d)
	}
	return out, nil
}

// appendRelationship writes one OrganizationRelationshipSettings; all its members are required.
func appendRelationship(dst []byte, s OrganizationRelationshipSettings) []byte {
	dst = appendBool(append(dst, "<OrganizationRelationshipSettings>"...), "DeliveryReportEnabled", s.DeliveryReportEnabled)
	dst = append(dst, "<DomainNames>"...)
	for _, d := range s.DomainNames {
		dst = appendElement(dst, "Domain", d.String())
	}
	dst = appendBool(append(dst, "</DomainNames>"...), "FreeBusyAccessEnabled", s.FreeBusyAccessEnabled)
	dst = appendNillable(dst, "FreeBusyAccessLevel", s.FreeBusyAccessLevel)
	dst = appendBool(dst, "MailTipsAccessEnabled", s.MailTipsAccessEnabled)
	dst = appendNillable(dst, "MailTipsAccessLevel", s.MailTipsAccessLevel)
	dst = appendBool(dst, "MailboxMoveEnabled", s.MailboxMoveEnabled)
	dst = appendNillable(dst, "Name", s.Name)
	dst = appendNillable(dst, "TargetApplicationUri", s.TargetApplicationUri)
	dst = appendNillable(dst, "TargetAutodiscoverEpr", s.TargetAutodiscoverEpr)
	dst = appendNillable(dst, "TargetSharingEpr", s.TargetSharingEpr)
	return append(dst, "</OrganizationRelationshipSettings>"...)
}

func readRelationship(e xmlsec.Element) (OrganizationRelationshipSettings, error) {
	value := func(name string) string { return text(e.Child(ns, name)) }
	is := func(name string) bool { v := value(name); return v == "true" || v == "1" }
	domains, err := readDomainList(e.Child(ns, "DomainNames"))
	return OrganizationRelationshipSettings{Name: value("Name"), DomainNames: domains,
		DeliveryReportEnabled: is("DeliveryReportEnabled"),
		FreeBusyAccessEnabled: is("FreeBusyAccessEnabled"), FreeBusyAccessLevel: value("FreeBusyAccessLevel"),
		MailTipsAccessEnabled: is("MailTipsAccessEnabled"), MailTipsAccessLevel: value("MailTipsAccessLevel"),
		MailboxMoveEnabled: is("MailboxMoveEnabled"), TargetApplicationUri: value("TargetApplicationUri"),
		TargetAutodiscoverEpr: value("TargetAutodiscoverEpr"), TargetSharingEpr: value("TargetSharingEpr")}, err
}
