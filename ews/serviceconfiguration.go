package ews

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/availd/availd/directory"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/orgrel"
)

// configurationNames are ServiceConfigurationType; they are never changed.
var configurationNames = []string{"MailTips", "UnifiedMessagingConfiguration", "ProtectionRules", "PolicyNudges", "SharePointURLs", "OfficeIntegrationConfiguration"}

// getServiceConfiguration answers m:GetServiceConfiguration ([MS-OXWCONFIG] 3.1.4.1): one message for each name that is
// asked. Beside MailTips there is no such service here, and the answer says so in the form of each.
func (h *Handler) getServiceConfiguration(ctx context.Context, env *soap.Envelope, _ orgrel.Requester) ([]byte, error) {
	names, actingAs, err := readServiceConfiguration(env.Payload)
	if err == nil && !actingAs.IsZero() {
		err = h.checkActingAs(ctx, actingAs)
	}
	failed, err := inAnswer(ctx, err)
	if err != nil {
		return nil, err
	}
	dst := appendStatus(nil, `GetServiceConfigurationResponse xmlns="`+nsMessages+`" xmlns:t="`+nsTypes+`"`, failed)
	if failed == nil {
		tips, err := h.o.Directory.MailTipsConfiguration(ctx)
		if err != nil {
			return nil, err
		}
		dst = append(dst, "<ResponseMessages>"...)
		for _, name := range names {
			dst = appendConfiguration(dst, name, tips)
		}
		dst = append(dst, "</ResponseMessages>"...)
	}
	return append(dst, "</GetServiceConfigurationResponse>"...), nil
}

// readServiceConfiguration reads which configurations are asked for, each once and in its order, and on whose behalf.
func readServiceConfiguration(req xmlsec.Element) (names []string, actingAs xmlsec.Element, err error) {
	if err := order(req, nsMessages+" ActingAs", nsMessages+" RequestedConfiguration", nsMessages+" ConfigurationRequestDetails"); err != nil {
		return nil, actingAs, err
	}
	list, err := required(req, nsMessages, "RequestedConfiguration")
	if err != nil {
		return nil, actingAs, err
	}
	for e := range list.Children() {
		text, err := textOf(e)
		if err != nil {
			return nil, actingAs, err
		}
		if !e.Is(nsMessages, "ConfigurationName") {
			return nil, actingAs, soap.Schema(e, "The element 'ConfigurationName' is expected.")
		}
		for name := range strings.FieldsSeq(text) { // its type is a list
			if !slices.Contains(configurationNames, name) {
				return nil, actingAs, soap.Schema(e, fmt.Sprintf("The value '%.60s' of ConfigurationName is not known.", name))
			}
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	if list.Count(nsMessages, "ConfigurationName") == 0 {
		return nil, actingAs, soap.Schema(list, "The element 'ConfigurationName' is missing.")
	}
	if len(names) == 0 { // the schema takes an empty list
		return nil, actingAs, fault.New(fault.InvalidArgument, "No configuration is named.")
	}
	return names, req.Child(nsMessages, "ActingAs"), nil
}

// checkActingAs refuses with InvalidArgument who is no own mailbox.
func (h *Handler) checkActingAs(ctx context.Context, e xmlsec.Element) error {
	address, err := readEmailAddress(e)
	if err != nil {
		return err
	}
	var list []directory.Entry
	if strings.Contains(address, "@") { // a name may be several persons'
		list, _, err = h.o.Directory.Resolve(ctx, address, 1)
	}
	if _, err = inAnswer(ctx, err); err != nil {
		return err
	}
	if len(list) != 1 || list[0].Type != directory.TypeMailbox {
		return fault.New(fault.InvalidArgument, "ActingAs must be the e-mail address of a user.")
	}
	return nil
}

func appendConfiguration(dst []byte, name string, tips directory.MailTipsConfiguration) []byte {
	dst = appendStatus(dst, "ServiceConfigurationResponseMessageType", nil)
	switch name {
	case "MailTips":
		dst = appendMailTipsConfiguration(dst, tips)
	case "UnifiedMessagingConfiguration":
		dst = append(dst, "<UnifiedMessagingConfiguration><t:UmEnabled>false</t:UmEnabled><t:PlayOnPhoneDialString></t:PlayOnPhoneDialString><t:PlayOnPhoneEnabled>false</t:PlayOnPhoneEnabled></UnifiedMessagingConfiguration>"...)
	case "ProtectionRules":
		dst = append(dst, `<ProtectionRulesConfiguration RefreshInterval="24"><t:Rules></t:Rules>`...) // hours
		dst = append(appendDomains(dst, tips), "</ProtectionRulesConfiguration>"...)
	case "PolicyNudges":
		dst = append(dst, "<PolicyNudgeRulesConfiguration></PolicyNudgeRulesConfiguration>"...)
	case "SharePointURLs":
		dst = append(dst, "<SharePointURLsConfiguration><t:InternalSPMySiteHostURL></t:InternalSPMySiteHostURL><t:ExternalSPMySiteHostURL></t:ExternalSPMySiteHostURL></SharePointURLsConfiguration>"...)
	}
	return append(dst, "</ServiceConfigurationResponseMessageType>"...)
}

func appendMailTipsConfiguration(dst []byte, c directory.MailTipsConfiguration) []byte {
	boolean := func(name string, v bool) {
		dst = append(dst, "<t:"+name+">"+strconv.FormatBool(v)+"</t:"+name+">"...)
	}
	dst = append(dst, "<MailTipsConfiguration>"...)
	boolean("MailTipsEnabled", c.Enabled)
	dst = appendInt(dst, "MaxRecipientsPerGetMailTipsRequest", c.MaxRecipients)
	dst = appendInt(dst, "MaxMessageSize", c.MaxMessageSize)
	dst = appendInt(dst, "LargeAudienceThreshold", c.LargeAudienceThreshold)
	boolean("ShowExternalRecipientCount", c.ShowExternalRecipientCount)
	dst = appendDomains(dst, c)
	boolean("PolicyTipsEnabled", c.PolicyTipsEnabled)
	dst = appendInt(dst, "LargeAudienceCap", c.LargeAudienceCap)
	return append(dst, "</MailTipsConfiguration>"...)
}

func appendDomains(dst []byte, c directory.MailTipsConfiguration) []byte {
	dst = append(dst, "<t:InternalDomains>"...)
	for _, d := range c.InternalDomains {
		dst = append(attr(attr(append(dst, "<t:Domain"...), "Name", d.Name.String()), "IncludeSubdomains", strconv.FormatBool(d.IncludeSubdomains)), "></t:Domain>"...)
	}
	return append(dst, "</t:InternalDomains>"...)
}
